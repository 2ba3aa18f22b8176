// The two kinds of programs that come from classic BPF, as converted ones see them. Linux trusts what it
// converted and has no program types for them; here they are types of a Catalog of their own, so that the
// verifier proves every conversion. Their numbers mean nothing outside that Catalog.
#pragma once
#include "contract/prog_type_def.h"

namespace osmia::prog_types {

inline constexpr u32 kClassicSocketType = 1, kClassicSeccompType = 2;

// Context: struct __sk_buff as socket filters see it, and the device's hardware type behind it.
const contract::ProgTypeDef& classic_socket();
// Context: struct seccomp_data.
const contract::ProgTypeDef& classic_seccomp();

}  // namespace osmia::prog_types
