// Room in the middle of a packet: headers pushed and taken between the link header and what follows it. The
// bytes in front move with the packet's start; the network header moves along, as Linux's helpers leave it.
#include <linux/bpf.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/bits.h"
#include "helpers/code.h"
#include "helpers/skb_buffer.h"
#include "host/checksum.h"

namespace osmia::helpers::code {
namespace {

using namespace skb;

constexpr u32 kIpv4Header = 20, kIpv6Header = 40, kEthHeader = 14;
constexpr u64 kEncapL3 = BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
constexpr u64 kDecapL3 = BPF_F_ADJ_ROOM_DECAP_L3_IPV4 | BPF_F_ADJ_ROOM_DECAP_L3_IPV6;
constexpr u64 kEncapL4 = BPF_F_ADJ_ROOM_ENCAP_L4_GRE | BPF_F_ADJ_ROOM_ENCAP_L4_UDP;
constexpr u64 kRoomFlags = BPF_F_ADJ_ROOM_FIXED_GSO | kEncapL3 | kEncapL4 | BPF_F_ADJ_ROOM_ENCAP_L2_ETH |
                           BPF_F_ADJ_ROOM_ENCAP_L2(u64{BPF_ADJ_ROOM_ENCAP_L2_MASK}) | kDecapL3 |
                           BPF_F_ADJ_ROOM_NO_CSUM_RESET;

u32 link_header(const SkbContext& s) {
  return static_cast<u32>(s.network_header - s.mac_header);
}
u32 ip_header(u16 protocol) {
  return protocol == kIpv4 ? kIpv4Header : kIpv6Header;
}

// n zero bytes at offset; what is before it moves to the front.
s64 push(SkbContext& s, u32 offset, u32 n) {
  if (!head_room(s, n)) return -ENOMEM;
  s.data -= n;
  s.len += n;
  std::memmove(at(s.data), at(s.data) + n, offset);
  std::memset(at(s.data) + offset, 0, n);
  s.mac_header -= n;
  s.network_header -= n;
  return 0;
}

s64 pop(SkbContext& s, u32 offset, u32 n) {
  if (u64{offset} + n > s.len) return -ENOMEM;
  if (s.ip_summed == kSummedComplete)
    s.csum = host::csum_sub(s.csum, host::csum_partial(at(s.data) + offset, n, 0));
  std::memmove(at(s.data) + n, at(s.data), offset);
  s.data += n;
  s.len -= n;
  s.mac_header += n;
  s.network_header += n;
  return 0;
}

bool gso_refused(const SkbContext& s) {  // a test run's segments have no type, so they are not TCP's
  return s.gso_size != 0;
}

s64 grow(SkbContext& s, u32 offset, u32 n, u64 flags) {
  if (gso_refused(s)) return kNotSupported;
  const bool encap = flags & kEncapL3;
  const u32 inner_link = static_cast<u32>(flags >> BPF_ADJ_ROOM_ENCAP_L2_SHIFT) & 0xff;
  if (encap) {
    if ((flags & kEncapL3) == kEncapL3 || (flags & kEncapL4) == kEncapL4) return -EINVAL;
    if (flags & BPF_F_ADJ_ROOM_ENCAP_L2_ETH && inner_link < kEthHeader) return -EINVAL;
    if (s.encapsulation) return -EALREADY;
    if (inner_link > n) return -EINVAL;
  }
  if (const s64 err = push(s, offset, n)) return err;
  if (encap) {
    s.encapsulation = true;
    s.protocol = flags & BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 ? kIpv6 : kIpv4;
  }
  return 0;
}

s64 shrink(SkbContext& s, u32 offset, u32 n, u64 flags) {
  if (flags & ~(u64{BPF_F_ADJ_ROOM_FIXED_GSO} | kDecapL3 | BPF_F_ADJ_ROOM_NO_CSUM_RESET)) return -EINVAL;
  if (gso_refused(s)) return kNotSupported;
  if (const s64 err = pop(s, offset, n)) return err;
  if (flags & kDecapL3) s.protocol = flags & BPF_F_ADJ_ROOM_DECAP_L3_IPV6 ? kIpv6 : kIpv4;
  return 0;
}

s64 adjust(SkbContext& s, s32 difference, u32 mode, u64 flags) {
  const u32 n = static_cast<u32>(std::abs(s64{difference}));
  const bool less = difference < 0;
  if (flags & ~kRoomFlags) return -EINVAL;
  if (n > 0xfff) return -EFAULT;
  if (s.protocol != kIpv4 && s.protocol != kIpv6) return kNotSupported;
  u32 offset = link_header(s), least = ip_header(s.protocol);
  if (mode == BPF_ADJ_ROOM_NET)
    offset += least;
  else if (mode != BPF_ADJ_ROOM_MAC)
    return kNotSupported;
  if (flags & kDecapL3) {
    if (!less || (flags & kDecapL3) == kDecapL3) return -EINVAL;
    least = flags & BPF_F_ADJ_ROOM_DECAP_L3_IPV4 ? kIpv4Header : kIpv6Header;
  }
  const u32 behind_link = s.len - static_cast<u32>(s.network_header - s.data);
  if (less ? n >= behind_link || behind_link - n < least : u64{s.len} + n > kMaxLen && !s.gso_size)
    return kNotSupported;
  const s64 err = less ? shrink(s, offset, n, flags) : grow(s, offset, n, flags);
  if (!err && !(flags & BPF_F_ADJ_ROOM_NO_CSUM_RESET) && s.ip_summed == kSummedUnnecessary) {
    s.ip_summed = kSummedNone;
    s.csum_level = 0;
  }
  return err;
}

}  // namespace

u64 skb_adjust_room(u64 ctx, u64 difference, u64 mode, u64 flags, u64) {
  auto& s = skb_of(ctx);
  const s64 err = adjust(s, static_cast<s32>(difference), static_cast<u32>(mode), flags);
  moved(s);
  return ret(err);
}

// IPv4 to IPv6 and back: only the room changes, the program writes the header.
u64 skb_change_proto(u64 ctx, u64 protocol, u64 flags, u64, u64) {
  auto& s = skb_of(ctx);
  if (flags) return ret(-EINVAL);
  const u16 to = static_cast<u16>(protocol);
  const u32 off = link_header(s), n = kIpv6Header - kIpv4Header;
  s64 err = kNotSupported;
  if (s.protocol == kIpv4 && to == kIpv6)
    err = push(s, off, n);
  else if (s.protocol == kIpv6 && to == kIpv4)
    err = pop(s, off, n);
  if (!err) {
    s.protocol = to;
    s.hash = 0;
  }
  moved(s);
  return ret(err);
}

// Marks congestion in the IP header, as a router does.
u64 skb_ecn_set_ce(u64 ctx, u64, u64, u64, u64) {
  auto& s = skb_of(ctx);
  u8* ip = at(s.network_header);
  const u64 end = s.data + s.len;
  if (s.protocol == kIpv4) {
    if (s.len < kIpv4Header || s.network_header + kIpv4Header > end) return 0;
    const u32 ecn = (ip[1] + 1u) & 3;
    if (!(ecn & 2)) return ecn == 0;  // not capable: 0; already marked: 1
    const u32 sum = load_unaligned<u16>(ip + 10), add = __builtin_bswap16(static_cast<u16>(0xfffb + ecn));
    const u32 total = sum + add;
    store_unaligned<u16>(ip + 10, static_cast<u16>(total + (total >> 16)));
    ip[1] |= 3;
    return 1;
  }
  if (s.protocol == kIpv6) {
    if (s.len < kIpv6Header || s.network_header + kIpv6Header > end) return 0;
    if (!(ip[1] >> 4 & 3)) return 0;
    const u32 before = load_unaligned<u32>(ip);
    ip[1] |= 3 << 4;
    if (s.ip_summed == kSummedComplete)
      s.csum = host::csum_add(host::csum_sub(s.csum, before), load_unaligned<u32>(ip));
    return 1;
  }
  return 0;
}

}  // namespace osmia::helpers::code
