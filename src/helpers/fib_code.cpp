// bpf_fib_lookup over the given network (host/network.h), with Linux's return codes. Without one there are no
// routes: as on a host whose tables are empty. Policy rules, VRFs and several next hops (the first is taken)
// are not modelled.
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/skb_buffer.h"
#include "host/net_device.h"
#include "host/network.h"

namespace osmia::helpers::code {
namespace {

using namespace skb;

constexpr u16 kInet = 2, kInet6 = 10;
constexpr u32 kMainTable = 254, kLocalTable = 255, kIpv6MinMtu = 1280, kIpMaxMtu = 0xffff;
constexpr u32 kKnown = u32{BPF_FIB_LOOKUP_DIRECT} | BPF_FIB_LOOKUP_OUTPUT | BPF_FIB_LOOKUP_SKIP_NEIGH |
                       BPF_FIB_LOOKUP_TBID | BPF_FIB_LOOKUP_SRC | BPF_FIB_LOOKUP_MARK;

host::IpAddress address(const u32* words, bool ipv6) {
  host::IpAddress a;
  a.ipv6 = ipv6;
  std::memcpy(a.bytes.data(), words, ipv6 ? 16 : 4);
  return a;
}
void put(u32* words, const host::IpAddress& a) {
  std::memcpy(words, a.bytes.data(), a.ipv6 ? 16 : 4);
}
// Multicast, link-local, loopback: never forwarded.
bool stays_on_link(const host::IpAddress& a) {
  host::IpAddress loopback;
  loopback.ipv6 = true;
  loopback.bytes[15] = 1;
  return a.bytes[0] == 0xff || (a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80) || a == loopback;
}

// The device's address to send from: one of the same family and, where it may, near the next hop.
bool source_of(const host::Device& d, const host::IpAddress& towards, host::IpAddress& out) {
  int best = -1;
  for (const auto& a : d.addresses) {
    if (a.ipv6 != towards.ipv6 || (a.ipv6 && stays_on_link(a))) continue;
    int same = 0;
    while (same < static_cast<int>(a.bits()) &&
           !((a.bytes[static_cast<u32>(same) / 8] ^ towards.bytes[static_cast<u32>(same) / 8]) >>
                 (7 - same % 8) &
             1))
      same++;
    if (same <= best) continue;
    best = same;
    out = a;
  }
  return best >= 0;
}

s64 of_type(host::RouteType type) {
  switch (type) {
    case host::RouteType::kBlackhole: return BPF_FIB_LKUP_RET_BLACKHOLE;
    case host::RouteType::kUnreachable: return BPF_FIB_LKUP_RET_UNREACHABLE;
    case host::RouteType::kProhibit: return BPF_FIB_LKUP_RET_PROHIBIT;
    default: return BPF_FIB_LKUP_RET_NOT_FWDED;
  }
}

const host::Route* route(const host::Network& net, bpf_fib_lookup& p, const host::IpAddress& to, u32 flags) {
  const u32 oif = flags & BPF_FIB_LOOKUP_OUTPUT ? p.ifindex : 0;
  if (!(flags & BPF_FIB_LOOKUP_DIRECT)) return net.find(to, oif);
  u32 table = kMainTable;
  if (flags & BPF_FIB_LOOKUP_TBID) {
    table = p.tbid;
    p.tbid = 0;
  }
  if (!net.has_table(table, to.ipv6)) return nullptr;
  // IPv4's local and main tables are one until there are rules that tell them apart.
  if (table == kMainTable && !to.ipv6)
    if (const auto* local = net.find(to, kLocalTable, oif)) return local;
  const host::Route* r = net.find(to, table, oif);
  return r && r->type != host::RouteType::kThrow ? r : nullptr;
}

s64 lookup(const host::Network& net, bpf_fib_lookup& p, u32 flags, bool check_mtu) {
  const bool ipv6 = p.family == kInet6;
  const host::IpAddress to = address(ipv6 ? p.ipv6_dst : &p.ipv4_dst, ipv6);
  if (ipv6 && (stays_on_link(to) || stays_on_link(address(p.ipv6_src, true))))
    return BPF_FIB_LKUP_RET_NOT_FWDED;
  const host::Device* device = net.device(p.ifindex);
  if (!device) return -ENODEV;
  if (!device->forwarding) return BPF_FIB_LKUP_RET_FWD_DISABLED;
  const host::Route* r = route(net, p, to, flags);
  if (!r) return BPF_FIB_LKUP_RET_NOT_FWDED;
  if (r->type != host::RouteType::kUnicast) return of_type(r->type);
  device = net.device(r->ifindex);
  if (!device) return BPF_FIB_LKUP_RET_NOT_FWDED;
  u32 mtu = 0;
  if (check_mtu) {
    const u32 own = ipv6 ? std::max(device->mtu, kIpv6MinMtu) : std::min(device->mtu, kIpMaxMtu);
    mtu = r->locked_mtu ? r->locked_mtu : own;
    if (p.tot_len > mtu) {
      p.mtu_result = static_cast<u16>(mtu);
      return BPF_FIB_LKUP_RET_FRAG_NEEDED;
    }
  }
  if (r->encapsulates) return BPF_FIB_LKUP_RET_UNSUPP_LWT;
  const host::IpAddress hop = r->has_gateway ? r->gateway : to;
  if (ipv6) put(p.ipv6_dst, hop);  // before the source is chosen, which may still fail
  p.rt_metric = r->metric;
  p.ifindex = r->ifindex;
  if (flags & BPF_FIB_LOOKUP_SRC) {
    host::IpAddress from;
    from.ipv6 = ipv6;
    if (r->has_source)
      from = r->source;
    else if (!source_of(*device, hop.ipv6 == ipv6 ? hop : to, from) && ipv6)
      return BPF_FIB_LKUP_RET_NO_SRC_ADDR;
    put(ipv6 ? p.ipv6_src : &p.ipv4_src, from);
  }
  if (!ipv6) {
    if (hop.ipv6) p.family = kInet6;
    put(hop.ipv6 ? p.ipv6_dst : &p.ipv4_dst, hop);
  }
  if (!(flags & BPF_FIB_LOOKUP_SKIP_NEIGH)) {
    const host::Neighbour* n = net.neighbour(hop, r->ifindex);
    if (!n || !n->valid) return BPF_FIB_LKUP_RET_NO_NEIGH;
    std::copy(n->mac.begin(), n->mac.end(), p.dmac);
    std::copy(device->mac.begin(), device->mac.end(), p.smac);
  }
  p.h_vlan_TCI = 0;
  p.h_vlan_proto = 0;
  if (mtu) p.mtu_result = static_cast<u16>(mtu);
  return BPF_FIB_LKUP_RET_SUCCESS;
}

// Nothing was given: the process's devices, and no routes.
s64 without_network(const bpf_fib_lookup& p) {
  const auto device = host::net_device(p.ifindex);
  if (!device) return -ENODEV;
  return device->forwarding ? BPF_FIB_LKUP_RET_NOT_FWDED : BPF_FIB_LKUP_RET_FWD_DISABLED;
}

s64 arguments(const bpf_fib_lookup& p, u64 size, u64 flags) {
  if (static_cast<s32>(size) < static_cast<s32>(sizeof p) || static_cast<u32>(flags) & ~kKnown)
    return -EINVAL;
  return p.family == kInet || p.family == kInet6 ? 0 : -EAFNOSUPPORT;
}

}  // namespace

u64 xdp_fib_lookup(u64, u64 params, u64 size, u64 flags, u64) {
  auto& p = *reinterpret_cast<bpf_fib_lookup*>(params);
  if (const s64 err = arguments(p, size, flags)) return ret(err);
  const auto net = host::network();
  return ret(net ? lookup(*net, p, static_cast<u32>(flags), true) : without_network(p));
}

// Without a length to check, the packet itself must fit the device that it would leave by.
u64 skb_fib_lookup(u64 ctx, u64 params, u64 size, u64 flags, u64) {
  constexpr u32 kVlanHeader = 4;
  auto& p = *reinterpret_cast<bpf_fib_lookup*>(params);
  if (const s64 err = arguments(p, size, flags)) return ret(err);
  const auto net = host::network();
  if (!net) return ret(without_network(p));
  const bool check_mtu = p.tot_len;
  s64 rc = lookup(*net, p, static_cast<u32>(flags), check_mtu);
  if (rc != BPF_FIB_LKUP_RET_SUCCESS || check_mtu) return ret(rc);
  const host::Device& device = *net->device(p.ifindex);
  const auto& s = skb_of(ctx);
  if (s.len > device.mtu + device.hard_header_len + kVlanHeader && !s.gso_size)
    rc = BPF_FIB_LKUP_RET_FRAG_NEEDED;
  p.mtu_result = static_cast<u16>(device.mtu);
  return ret(rc);
}

}  // namespace osmia::helpers::code
