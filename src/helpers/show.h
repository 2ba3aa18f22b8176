// Memory as text by its BTF type, for bpf_snprintf_btf and bpf_seq_printf_btf.
#pragma once
#include <string>

#include "base/types.h"

namespace osmia::helpers::code {

// pointer: of a struct btf_ptr of `size` bytes. 0, or -EINVAL, -ENOENT, -EFAULT.
s64 show_typed(u64 pointer, u32 size, u64 flags, std::string& out);

}  // namespace osmia::helpers::code
