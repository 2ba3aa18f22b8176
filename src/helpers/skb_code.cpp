// Socket buffers: all bytes lie in one linear buffer with room at both ends, so "pulling" and "making
// writable" only check lengths. Who changes the packet's ends calls moved(), which keeps the context's
// pointers right.
#include <cerrno>
#include <cstring>
#include <string>

#include "helpers/code.h"
#include "helpers/event.h"
#include "helpers/skb_buffer.h"
#include "host/checksum.h"
#include "host/effects.h"

namespace osmia::helpers::code {
namespace {

using namespace skb;

constexpr u32 kEthHeader = 14, kVlanHeader = 4, kMacs = 12;
constexpr u64 kRecompute = 1, kInvalidateHash = 2;
constexpr u16 kVlan = 0x0081, kVlanAd = 0xa888;  // ETH_P_8021Q, ETH_P_8021AD in network order

bool is_vlan(u32 protocol) {
  return protocol == kVlan || protocol == kVlanAd;
}

// Takes the outermost tag out of the bytes.
s64 pop_bytes(SkbContext& s, u16* tci) {
  if (s.data != s.mac_header) return -EINVAL;
  if (s.len < kEthHeader + kVlanHeader) return -ENOMEM;
  u8* p = at(s.data);
  *tci = __builtin_bswap16(load_unaligned<u16>(p + kEthHeader));
  const u16 inner = load_unaligned<u16>(p + kEthHeader + 2);
  if (__builtin_bswap16(inner) >= 0x600)
    s.protocol = inner;
  else {
    const bool raw =
        s.len >= kEthHeader + kVlanHeader + 2 && load_unaligned<u16>(p + kEthHeader + kVlanHeader) == 0xffff;
    s.protocol = raw ? 0x0100 : 0x0400;  // ETH_P_802_3, ETH_P_802_2
  }
  std::memmove(p + kVlanHeader, p, kMacs);
  s.data += kVlanHeader;
  s.len -= kVlanHeader;
  s.mac_header += kVlanHeader;
  if (s.network_header < s.data + kEthHeader) s.network_header = s.data + kEthHeader;
  return 0;
}

u32 sum_of(const SkbContext& s, u32 offset, u32 length) {
  // A sum that starts at an odd byte counts with its bytes swapped.
  const u32 sum = host::csum_partial(at(s.data) + offset, length, 0);
  return offset & 1 ? (sum & 0xff00ff) << 8 | (sum >> 8 & 0xff00ff) : sum;
}

}  // namespace

// Negative offsets count from the network header or the link header (SKF_NET_OFF, SKF_LL_OFF).
u64 skb_load_packet(u64 ctx, u64 offset, u64 bytes, u64, u64) {
  const auto& s = skb_of(ctx);
  s64 off = static_cast<s32>(offset);
  constexpr s64 kNet = -0x100000, kLink = -0x200000;
  if (off < 0) {
    if (off >= kNet)
      off += static_cast<s64>(s.network_header - s.data) - kNet;
    else if (off >= kLink && s.mac_header)
      off += static_cast<s64>(s.mac_header - s.data) - kLink;
    else
      return ret(-EFAULT);
  }
  const u64 at_byte = s.data + static_cast<u64>(off);
  if (at_byte < s.head || at_byte + bytes > s.data + (s.len - s.missing)) return ret(-EFAULT);
  u64 v = 0;
  for (u64 i = 0; i < bytes; i++) v = v << 8 | at(at_byte)[i];
  return v;
}

u64 skb_load_bytes(u64 ctx, u64 offset, u64 to, u64 length, u64) {
  const auto& s = skb_of(ctx);
  const u32 off = static_cast<u32>(offset), n = static_cast<u32>(length);
  if (off > 0x7fffffff || u64{off} + n > s.len) {
    std::memset(at(to), 0, n);
    return ret(-EFAULT);
  }
  std::memcpy(at(to), at(s.data) + off, n);
  return 0;
}

// A flow dissector's test run has a frame and no socket buffer to load from.
u64 flow_load_bytes(u64, u64, u64 to, u64 length, u64) {
  std::memset(at(to), 0, static_cast<u32>(length));
  return ret(-EFAULT);
}

u64 skb_load_bytes_relative(u64 ctx, u64 offset, u64 to, u64 length, u64 header) {
  const auto& s = skb_of(ctx);
  const u32 off = static_cast<u32>(offset), n = static_cast<u32>(length), h = static_cast<u32>(header);
  const u64 start = h == 0 ? s.mac_header : h == 1 ? s.network_header : 0;
  if (off > 0xffff || !start || start + off + n > s.data + s.len) {
    std::memset(at(to), 0, n);
    return ret(-EFAULT);
  }
  std::memcpy(at(to), at(start) + off, n);
  return 0;
}

u64 skb_store_bytes(u64 ctx, u64 offset, u64 from, u64 length, u64 flags) {
  auto& s = skb_of(ctx);
  const u32 off = static_cast<u32>(offset), n = static_cast<u32>(length);
  if (flags & ~(kRecompute | kInvalidateHash)) return ret(-EINVAL);
  if (off > 0x7fffffff || u64{off} + n > s.len) return ret(-EFAULT);
  const bool sum = flags & kRecompute && s.ip_summed == kSummedComplete;
  if (sum) s.csum = host::csum_sub(s.csum, sum_of(s, off, n));
  std::memmove(at(s.data) + off, at(from), n);
  if (sum) s.csum = host::csum_add(s.csum, sum_of(s, off, n));
  if (flags & kInvalidateHash) s.hash = 0;
  return 0;
}

u64 skb_pull_data(u64 ctx, u64 length, u64, u64, u64) {
  return static_cast<u32>(length) > skb_of(ctx).len ? ret(-ENOMEM) : 0;
}

u64 skb_change_tail(u64 ctx, u64 length, u64 flags, u64, u64) {
  auto& s = skb_of(ctx);
  const u32 n = static_cast<u32>(length);
  const u64 least = s.network_header > s.data ? s.network_header - s.data : 0;
  if (flags || n > kMaxLen || n < least) return ret(-EINVAL);
  if (n > s.len) {
    if (!tail_room(s, n - s.len)) return ret(-ENOMEM);
    std::memset(at(s.data) + s.len, 0, n - s.len);
  } else if (n < s.len && s.ip_summed == kSummedComplete) {
    s.csum = host::csum_sub(s.csum, sum_of(s, n, s.len - n));
  }
  s.len = n;
  moved(s);
  return 0;
}

u64 skb_change_head(u64 ctx, u64 room, u64 flags, u64, u64) {
  auto& s = skb_of(ctx);
  const u32 n = static_cast<u32>(room), length = s.len + n;
  if (flags || (!s.gso_size && length > kMaxLen) || length < s.len) return ret(-EINVAL);
  if (!head_room(s, n)) return ret(-ENOMEM);
  s.data -= n;
  std::memset(at(s.data), 0, n);
  s.len = length;
  s.mac_header = s.data;
  moved(s);
  return 0;
}

u64 skb_change_type(u64 ctx, u64 type, u64, u64, u64) {
  auto& s = skb_of(ctx);
  const u32 t = static_cast<u32>(type);
  if (s.pkt_type > 3 || t > 3) return ret(-EINVAL);
  s.pkt_type = t;
  return 0;
}

// The tag is kept beside the bytes; a tag that was there already goes into them.
u64 skb_vlan_push(u64 ctx, u64 proto, u64 tag, u64, u64) {
  auto& s = skb_of(ctx);
  u16 protocol = static_cast<u16>(proto);
  if (!is_vlan(protocol)) protocol = kVlan;
  if (s.vlan_present) {
    if (s.data != s.mac_header) return ret(-EINVAL);
    if (!head_room(s, kVlanHeader)) return ret(-ENOMEM);
    s.data -= kVlanHeader;
    s.len += kVlanHeader;
    s.mac_header -= kVlanHeader;
    u8* p = at(s.data);
    std::memmove(p, p + kVlanHeader, kMacs);
    store_unaligned<u16>(p + kMacs, static_cast<u16>(s.vlan_proto));
    store_unaligned<u16>(p + kMacs + 2, __builtin_bswap16(static_cast<u16>(s.vlan_tci)));
    s.protocol = s.vlan_proto;
  }
  s.vlan_proto = protocol;
  s.vlan_tci = static_cast<u16>(tag);
  s.vlan_present = 1;
  moved(s);
  return 0;
}

u64 skb_vlan_pop(u64 ctx, u64, u64, u64, u64) {
  auto& s = skb_of(ctx);
  u16 tci = 0;
  s64 err = 0;
  if (s.vlan_present) {
    s.vlan_present = s.vlan_tci = s.vlan_proto = 0;
  } else {
    if (!is_vlan(s.protocol)) return 0;
    err = pop_bytes(s, &tci);
  }
  if (!err && is_vlan(s.protocol)) {  // the next tag comes out of the bytes
    const u32 protocol = s.protocol;
    err = pop_bytes(s, &tci);
    if (!err) {
      s.vlan_proto = protocol;
      s.vlan_tci = tci;
      s.vlan_present = 1;
    }
  }
  moved(s);
  return ret(err);
}

u64 skb_set_hash(u64 ctx, u64 hash, u64, u64, u64) {
  skb_of(ctx).hash = static_cast<u32>(hash);
  return 0;
}
u64 skb_set_hash_invalid(u64 ctx, u64, u64, u64, u64) {
  skb_of(ctx).hash = 0;
  return 0;
}

u64 skb_redirect(u64 ifindex, u64 flags, u64, u64, u64) {
  if (flags & ~u64{1}) return 2;  // TC_ACT_SHOT; only BPF_F_INGRESS is known
  auto& r = host::redirect();
  r = {.set = true,
       .ifindex = static_cast<u32>(ifindex),
       .flags = flags,
       .clones = r.clones,
       .clone_ifindex = r.clone_ifindex};
  return 7;  // TC_ACT_REDIRECT
}

u64 skb_event_output(u64 ctx, u64 map, u64 flags, u64 data, u64 size) {
  const auto& s = skb_of(ctx);
  constexpr u64 kIndexMask = 0xffffffff, kLengthMask = 0xfffffull << 32;
  if (flags & ~(kIndexMask | kLengthMask)) return ret(-EINVAL);
  const u32 packet = static_cast<u32>((flags & kLengthMask) >> 32);
  if (packet > s.len) return ret(-EFAULT);
  std::string record(reinterpret_cast<const char*>(data), size);
  record.append(reinterpret_cast<const char*>(s.data), packet);
  return event_output(map, flags, {reinterpret_cast<const u8*>(record.data()), record.size()});
}

}  // namespace osmia::helpers::code
