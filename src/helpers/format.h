// The format language of bpf_trace_printk, bpf_snprintf and bpf_seq_printf: the part of the kernel's that BPF
// allows. Anything else is -EINVAL before a byte is printed.
#pragma once
#include <string>

#include "base/types.h"

namespace osmia::helpers::code {

// fmt: at most `size` bytes, terminated within them. Appends to out; gives its length, or a negative errno:
// -EINVAL, -ENOSPC (the arguments' own bytes pass 512, as the kernel counts them).
s64 format_text(const char* fmt, u32 size, const u64* args, u32 count, std::string& out);

}  // namespace osmia::helpers::code
