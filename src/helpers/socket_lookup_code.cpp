// bpf_sk_lookup_tcp/udp, bpf_skc_lookup_tcp: the machine's (or the given) sockets, found by the rules of the
// device that the packet came in by. Wrong sizes, flags or namespaces give null, as on Linux.
#include <linux/bpf.h>

#include <cstring>

#include "helpers/code.h"
#include "host/packet.h"
#include "host/sockets.h"

namespace osmia::helpers::code {
namespace {

struct Lookup {
  u64 tuple, size, netns, flags;
  u32 device;
};

u64 look_up(const Lookup& l, u32 protocol, bool full) {
  constexpr u32 kTuple4 = sizeof(bpf_sock_tuple::ipv4), kTuple6 = sizeof(bpf_sock_tuple::ipv6);
  const u32 size = static_cast<u32>(l.size);
  if (size != kTuple4 && size != kTuple6) return 0;
  const s32 netns = static_cast<s32>(l.netns);
  if (l.flags || (netns >= 0 && l.netns > 0x7fffffff)) return 0;
  if (netns >= 0 && !host::own_network_namespace(netns)) return 0;
  bpf_sock_tuple t{};
  std::memcpy(&t, reinterpret_cast<const void*>(l.tuple), size);
  host::SocketQuery q;
  q.protocol = protocol;
  q.device = l.device;
  if (size == kTuple4) {
    q.remote[0] = t.ipv4.saddr;
    q.local[0] = t.ipv4.daddr;
    q.remote_port = __builtin_bswap16(t.ipv4.sport);
    q.local_port = __builtin_bswap16(t.ipv4.dport);
  } else {
    q.family = host::kFamilyInet6;
    std::memcpy(q.remote.data(), t.ipv6.saddr, sizeof t.ipv6.saddr);
    std::memcpy(q.local.data(), t.ipv6.daddr, sizeof t.ipv6.daddr);
    q.remote_port = __builtin_bswap16(t.ipv6.sport);
    q.local_port = __builtin_bswap16(t.ipv6.dport);
  }
  return reinterpret_cast<u64>(host::find_socket(q, full));
}

u32 device_of_skb(u64 skb) {
  return reinterpret_cast<const host::SkbContext*>(host::skb_context(skb))->ifindex;
}
u32 device_of_xdp(u64 xdp) {
  return reinterpret_cast<const host::XdpContext*>(xdp)->ingress_ifindex;
}

}  // namespace

u64 skb_sk_lookup_tcp(u64 skb, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_skb(skb)}, host::kProtocolTcp, true);
}
u64 skb_sk_lookup_udp(u64 skb, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_skb(skb)}, host::kProtocolUdp, true);
}
u64 skb_skc_lookup_tcp(u64 skb, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_skb(skb)}, host::kProtocolTcp, false);
}
u64 xdp_sk_lookup_tcp(u64 xdp, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_xdp(xdp)}, host::kProtocolTcp, true);
}
u64 xdp_sk_lookup_udp(u64 xdp, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_xdp(xdp)}, host::kProtocolUdp, true);
}
u64 xdp_skc_lookup_tcp(u64 xdp, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, device_of_xdp(xdp)}, host::kProtocolTcp, false);
}
// For an address that a socket of this process names: no packet, no device.
u64 addr_sk_lookup_tcp(u64, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, 0}, host::kProtocolTcp, true);
}
u64 addr_sk_lookup_udp(u64, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, 0}, host::kProtocolUdp, true);
}
u64 addr_skc_lookup_tcp(u64, u64 tuple, u64 size, u64 netns, u64 flags) {
  return look_up({tuple, size, netns, flags, 0}, host::kProtocolTcp, false);
}

u64 sk_release(u64 sk, u64, u64, u64, u64) {
  host::release_socket(reinterpret_cast<host::Socket*>(sk));
  return 0;
}

}  // namespace osmia::helpers::code
