// One linear buffer behind every socket buffer: room at both ends, and what must hold after its ends moved.
// Invariant: head <= data <= data + len <= tail_limit, and packet pointers of the context agree with data and
// len.
#pragma once
#include <cstring>

#include "host/packet.h"

namespace osmia::helpers::skb {

using host::SkbContext;

inline u64 ret(s64 v) {
  return static_cast<u64>(v);
}
inline SkbContext& skb_of(u64 r) {
  return *reinterpret_cast<SkbContext*>(r);
}
inline u8* at(u64 address) {
  return reinterpret_cast<u8*>(address);
}

constexpr u32 kMaxLen = 16384 - 320;  // BPF_SKB_MAX_LEN: four pages less what Linux keeps behind the data
constexpr u32 kSummedNone = 0, kSummedUnnecessary = 1, kSummedComplete = 2;  // CHECKSUM_*
constexpr s64 kNotSupported = -524;                                          // ENOTSUPP
constexpr u16 kIpv4 = 0x0008, kIpv6 = 0xdd86;                                // ETH_P_* in network order

inline void moved(SkbContext& s) {
  s.data_end = s.data + s.len;
  s.data_meta = s.data;
}
// Room of n bytes before the data; the packet moves if there is none.
inline bool head_room(SkbContext& s, u64 n) {
  if (s.data - s.head >= n) return true;
  const u64 total = s.tail_limit - s.head;
  if (s.len + n > total) return false;
  const u64 to = s.tail_limit - s.len, shift = to - s.data;
  std::memmove(at(to), at(s.data), s.len);
  s.data = to;
  if (s.mac_header) s.mac_header += shift;
  s.network_header += shift;
  return true;
}
inline bool tail_room(SkbContext& s, u64 n) {
  if (s.tail_limit - (s.data + s.len) >= n) return true;
  const u64 need = s.len + n;
  if (need > s.tail_limit - s.head) return false;
  const u64 to = s.tail_limit - need, shift = s.data - to;
  std::memmove(at(to), at(s.data), s.len);
  s.data = to;
  if (s.mac_header) s.mac_header -= shift;
  s.network_header -= shift;
  return true;
}
}  // namespace osmia::helpers::skb
