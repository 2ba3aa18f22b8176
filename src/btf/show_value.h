// A value in the kernel's own words, as bpf_snprintf_btf gives it: "(struct pair){.a = (int)1,}". Members
// that are zero are left out unless asked for.
#pragma once
#include <span>
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

// BTF_F_* of the UAPI.
inline constexpr u64 kShowCompact = 1, kShowNoNames = 2, kShowRawPointers = 4, kShowZeros = 8;

// data: the value's bytes; what is missing reads as zero. hide: what a pointer is shown as unless
// kShowRawPointers.
std::string show_value(const Btf& btf, u32 type_id, std::span<const u8> data, u64 flags,
                       u64 (*hide)(u64 pointer));

}  // namespace osmia::btf
