// The Internet checksum (RFC 1071) in Linux's representation: partial sums of 32 bits in ones' complement, in
// memory order.
#pragma once
#include "base/bits.h"

namespace osmia::host {

constexpr u32 csum_add(u32 a, u32 b) {
  const u32 sum = a + b;
  return sum + (sum < b);
}
constexpr u32 csum_sub(u32 a, u32 b) {
  return csum_add(a, ~b);
}
constexpr u16 csum_fold(u32 sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<u16>(~sum);
}
constexpr u16 csum16_add(u16 a, u16 b) {
  const u16 sum = static_cast<u16>(a + b);
  return static_cast<u16>(sum + (sum < b));
}
// Of `bytes` bytes, from an even position on.
inline u32 csum_partial(const void* data, u64 bytes, u32 seed) {
  const u8* p = static_cast<const u8*>(data);
  unsigned __int128 sum = seed;
  for (; bytes >= 8; bytes -= 8, p += 8) sum += load_unaligned<u64>(p);
  if (bytes) {
    u64 rest = 0;
    std::memcpy(&rest, p, bytes);
    sum += rest;
  }
  while (sum >> 32) sum = (sum & 0xffffffff) + (sum >> 32);
  return static_cast<u32>(sum);
}

}  // namespace osmia::host
