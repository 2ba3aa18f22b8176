// Pinned objects as the files that they are on Linux: they are there, can be unlinked, and a pinned map with
// BTF can be read. Paths are cleaned as OBJ_PIN cleans them; names that are not pins are nobody's business
// here.
#pragma once
#include <string>

#include "runtime/kernel.h"

namespace osmia::syscall {

bool is_pinned(runtime::Kernel&, const char* path);
// False: nothing was pinned there.
bool unpin(runtime::Kernel&, const char* path);
// What reading the pinned file gives: a map's elements by its BTF. Errors: ENOENT: not a pin, EIO: an object
// (or a type of map) that has no text. Source: Linux 6.12, the BPF file system's files (behaviour only).
Result<std::string> pin_text(runtime::Kernel&, const char* path);

}  // namespace osmia::syscall
