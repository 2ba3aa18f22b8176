// Kfuncs that are about what a program may do rather than about doing something, and strings from user space.
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "interp/interp.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {

u64 nothing(u64, u64, u64, u64, u64) {
  return 0;
}
u64 same_pointer(u64 pointer, u64, u64, u64, u64) {
  return pointer;
}
// At most size - 1 characters and a NUL. The length with the NUL, or -EFAULT.
u64 copy_from_user_str(u64 to, u64 size, u64 from, u64 flags, u64) {
  constexpr u64 kPadZeros = 1;  // BPF_F_PAD_ZEROS
  auto* dst = reinterpret_cast<char*>(to);
  const u32 n = static_cast<u32>(size);
  if (flags & ~kPadZeros) return static_cast<u64>(s64{-EINVAL});
  if (!n) return 0;
  u32 got = 0;
  while (got < n - 1) {
    char chunk[64];
    u32 want = std::min<u32>(sizeof chunk, n - 1 - got);
    // Not across a page: what lies behind the string need not be there.
    want = std::min<u32>(want, 4096 - static_cast<u32>((from + got) % 4096));
    if (!interp::probe_read(chunk, reinterpret_cast<const void*>(from + got), want)) {
      if (flags & kPadZeros) std::memset(dst, 0, n);
      return static_cast<u64>(s64{-EFAULT});
    }
    const u32 length = static_cast<u32>(strnlen(chunk, want));
    std::memcpy(dst + got, chunk, length);
    got += length;
    if (length < want) break;
  }
  std::memset(dst + got, 0, flags & kPadZeros ? n - got : 1);
  return got + 1;
}

}  // namespace osmia::kfuncs::code
