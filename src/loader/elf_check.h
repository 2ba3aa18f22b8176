// A look at an object file before libbpf sees it: sizes, offsets and the few facts that a BPF object must
// have. libbpf trusts libelf and the compiler; this does not.
#pragma once
#include <span>

#include "base/result.h"
#include "base/types.h"

namespace osmia::loader {

// Errors: EINVAL / ENOEXEC with what, where, expected and found in one line.
Status check_elf(std::span<const u8> bytes);

}  // namespace osmia::loader
