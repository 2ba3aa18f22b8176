// Where a packet goes: redirections (kept as the run's outcome: nothing leaves the process), tunnels and MTU
// checks. Routes are in fib_code.cpp.
#include <linux/bpf.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "helpers/code.h"
#include "helpers/skb_buffer.h"
#include "host/effects.h"
#include "host/net_device.h"

namespace osmia::helpers::code {
namespace {

using namespace skb;

constexpr u64 kShot = 2, kRedirectAction = 7;  // TC_ACT_*
constexpr u16 kTunnelCsum = 0x0100, kTunnelKey = 0x0400, kTunnelSeq = 0x0800, kTunnelDontFragment = 0x0001,
              kTunnelNoCache = 0x0020;  // TUNNEL_* in network order
constexpr u32 kFlowLabel = 0xfffff;

// Older callers' bpf_tunnel_key ends where a later field begins.
bool known_short(u32 size) {
  switch (size) {
    case offsetof(bpf_tunnel_key, local_ipv6):
    case offsetof(bpf_tunnel_key, tunnel_label):
    case offsetof(bpf_tunnel_key, tunnel_ext):
    case offsetof(bpf_tunnel_key, remote_ipv6) + 4: return true;
    default: return false;
  }
}

s64 get_key(const SkbContext& s, u8* to, u32 size, u64 flags) {
  const host::TunnelInfo* info = s.tunnel;
  if (!info || flags & ~(u64{BPF_F_TUNINFO_IPV6} | BPF_F_TUNINFO_FLAGS)) return -EINVAL;
  if (info->ipv6 != static_cast<bool>(flags & BPF_F_TUNINFO_IPV6)) return -EPROTO;
  if (size != sizeof(bpf_tunnel_key)) {
    if (!known_short(size)) return -EINVAL;
    if (size == offsetof(bpf_tunnel_key, remote_ipv6) + 4 && info->ipv6) return -EINVAL;
  }
  bpf_tunnel_key key{};
  key.tunnel_id = static_cast<u32>(info->id);
  key.tunnel_tos = info->tos;
  key.tunnel_ttl = info->ttl;
  if (flags & BPF_F_TUNINFO_FLAGS) key.tunnel_flags = info->flags;
  std::memcpy(key.remote_ipv6, info->source, sizeof key.remote_ipv6);
  std::memcpy(key.local_ipv6, info->destination, sizeof key.local_ipv6);
  key.tunnel_label = info->label;
  std::memcpy(to, &key, size);
  return 0;
}

// ifindex 0: the packet's own device.
u64 check_mtu(u64 length, u32 own, u32 ifindex, u32* mtu_len, s32 difference, bool gso) {
  const auto device = host::net_device(ifindex ? ifindex : own);
  if (!device) return ret(-ENODEV);
  s64 size = *mtu_len ? s64{*mtu_len} + device->hard_header_len : static_cast<s64>(length);
  size += difference;
  *mtu_len = device->mtu;
  const bool fits = size <= s64{device->mtu} + device->hard_header_len || gso;
  return fits ? u64{BPF_MTU_CHK_RET_SUCCESS} : u64{BPF_MTU_CHK_RET_FRAG_NEEDED};
}

// The clones that were sent before stay sent.
void redirect_to(host::RedirectBy by, u64 ifindex) {
  auto& r = host::redirect();
  r = {.set = true,
       .by = by,
       .ifindex = static_cast<u32>(ifindex),
       .clones = r.clones,
       .clone_ifindex = r.clone_ifindex};
}

}  // namespace

u64 skb_clone_redirect(u64 ctx, u64 ifindex, u64 flags, u64, u64) {
  if (flags & ~u64{BPF_F_INGRESS}) return ret(-EINVAL);
  if (skb_of(ctx).gso_size) return ret(-EBADMSG);  // segments without a type
  if (!host::net_device(static_cast<u32>(ifindex))) return ret(-EINVAL);
  host::redirect().clones++;
  host::redirect().clone_ifindex = static_cast<u32>(ifindex);
  return 0;
}

u64 skb_redirect_peer(u64 ifindex, u64 flags, u64, u64, u64) {
  if (flags) return kShot;
  redirect_to(host::RedirectBy::kPeer, ifindex);
  return kRedirectAction;
}

u64 skb_redirect_neigh(u64 ifindex, u64, u64 size, u64 flags, u64) {
  const s32 n = static_cast<s32>(size);
  if ((n && n < static_cast<s32>(sizeof(bpf_redir_neigh))) || flags) return kShot;
  redirect_to(host::RedirectBy::kNeighbour, ifindex);
  return kRedirectAction;
}

u64 skb_get_tunnel_key(u64 ctx, u64 to, u64 size, u64 flags, u64) {
  const s64 err = get_key(skb_of(ctx), at(to), static_cast<u32>(size), flags);
  if (err) std::memset(at(to), 0, static_cast<u32>(size));
  return ret(err);
}

u64 skb_set_tunnel_key(u64 ctx, u64 from, u64 size, u64 flags, u64) {
  thread_local host::TunnelInfo info;  // one per CPU, as in Linux: a program sends one packet at a time
  constexpr u64 kKnown = u64{BPF_F_TUNINFO_IPV6} | BPF_F_ZERO_CSUM_TX | BPF_F_DONT_FRAGMENT |
                         BPF_F_SEQ_NUMBER | BPF_F_NO_TUNNEL_KEY;
  if (flags & ~kKnown) return ret(-EINVAL);
  const u32 n = static_cast<u32>(size);
  if (n != sizeof(bpf_tunnel_key) && !known_short(n)) return ret(-EINVAL);
  bpf_tunnel_key key{};
  std::memcpy(&key, at(from), n);
  const bool ipv6 = flags & BPF_F_TUNINFO_IPV6;
  if ((!ipv6 && key.tunnel_label) || key.tunnel_ext) return ret(-EINVAL);
  info = {};
  info.id = key.tunnel_id;
  info.ipv6 = ipv6;
  info.tos = key.tunnel_tos;
  info.ttl = key.tunnel_ttl;
  info.flags = static_cast<u16>(kTunnelNoCache | (flags & BPF_F_DONT_FRAGMENT ? kTunnelDontFragment : 0) |
                                (flags & BPF_F_ZERO_CSUM_TX ? 0 : kTunnelCsum) |
                                (flags & BPF_F_SEQ_NUMBER ? kTunnelSeq : 0) |
                                (flags & BPF_F_NO_TUNNEL_KEY ? 0 : kTunnelKey));
  const u32 words = ipv6 ? 4 : 1;
  std::memcpy(info.destination, key.remote_ipv6, words * sizeof(u32));
  std::memcpy(info.source, key.local_ipv6, words * sizeof(u32));
  if (ipv6) info.label = key.tunnel_label & kFlowLabel;
  skb_of(ctx).tunnel = &info;
  return 0;
}

u64 skb_get_tunnel_opt(u64 ctx, u64 to, u64 size, u64, u64) {
  const host::TunnelInfo* info = skb_of(ctx).tunnel;
  const u32 n = static_cast<u32>(size);
  const s64 err = !info || !info->has_options ? -ENOENT : n < info->options_size ? -ENOMEM : 0;
  std::memset(at(to), 0, n);
  if (err) return ret(err);
  std::memcpy(at(to), info->options, info->options_size);
  return info->options_size;
}

u64 skb_set_tunnel_opt(u64 ctx, u64 from, u64 size, u64, u64) {
  host::TunnelInfo* info = skb_of(ctx).tunnel;
  const u32 n = static_cast<u32>(size);
  if (!info || n % 4) return ret(-EINVAL);
  if (n > sizeof info->options) return ret(-ENOMEM);
  std::memcpy(info->options, at(from), n);
  info->options_size = n;
  info->has_options = n != 0;
  return 0;
}

u64 skb_check_mtu(u64 ctx, u64 ifindex, u64 mtu_len, u64 difference, u64 flags) {
  const auto& s = skb_of(ctx);
  auto* length = reinterpret_cast<u32*>(mtu_len);
  const s32 d = static_cast<s32>(difference);
  if (flags & ~u64{BPF_MTU_CHK_SEGS} || (flags && (d || *length))) return ret(-EINVAL);
  return check_mtu(s.len, s.ifindex, static_cast<u32>(ifindex), length, d, s.gso_size != 0);
}
u64 xdp_check_mtu(u64 ctx, u64 ifindex, u64 mtu_len, u64 difference, u64 flags) {
  if (flags) return ret(-EINVAL);
  const auto& x = *reinterpret_cast<const host::XdpContext*>(ctx);
  return check_mtu(x.data_end - x.data, x.ingress_ifindex ? x.ingress_ifindex : 1, static_cast<u32>(ifindex),
                   reinterpret_cast<u32*>(mtu_len), static_cast<s32>(difference), false);
}

u64 skb_set_tstamp(u64 ctx, u64 tstamp, u64 type, u64, u64) {
  auto& s = skb_of(ctx);
  if (s.protocol != kIpv4 && s.protocol != kIpv6) return ret(-EOPNOTSUPP);
  const u32 clock = static_cast<u32>(type);
  if (clock > BPF_SKB_CLOCK_TAI || (clock != BPF_SKB_CLOCK_REALTIME && !tstamp)) return ret(-EINVAL);
  s.tstamp = tstamp;
  s.tstamp_type = clock;
  return 0;
}

// Class of a net_cls control group, or realm of a route: a process has neither, and 0 says so.
u64 no_traffic_class(u64, u64, u64, u64, u64) {
  return 0;
}

// The flow's hash where none is known: any value will do that is the same for a flow; Linux's own is keyed.
u64 skb_get_hash_recalc(u64 ctx, u64, u64, u64, u64) {
  auto& s = skb_of(ctx);
  if (s.hash) return s.hash;
  const u64 end = s.data + s.len;
  u64 h = 0x9e3779b97f4a7c15ull ^ s.protocol;
  const u32 first = s.protocol == kIpv4 ? 12 : 8, bytes = s.protocol == kIpv4 ? 8 : 32;
  if ((s.protocol == kIpv4 || s.protocol == kIpv6) && s.network_header + first + bytes + 4 <= end)
    for (u32 i = 0; i < bytes + 4; i++) h = (h ^ at(s.network_header)[first + i]) * 0x100000001b3ull;
  s.hash = static_cast<u32>(h ^ h >> 32);
  if (!s.hash) s.hash = 1;
  return s.hash;
}

}  // namespace osmia::helpers::code
