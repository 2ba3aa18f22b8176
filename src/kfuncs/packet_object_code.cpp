// A packet's context as the kernel's own struct: sk_buff with its device and socket buffer, xdp_buff with its
// receive queue. They say what was true when the program asked; a helper that changes the packet does not
// change them.
#include "helpers/running.h"
#include "host/packet.h"
#include "host/task.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

using host::KernelStruct;
using host::ObjectKind;

// Of each thread, made anew when the types change.
struct View {
  std::weak_ptr<const btf::Btf> types;
  std::vector<KernelStruct> parts;
  KernelStruct* at(size_t i) { return i < parts.size() ? &parts[i] : nullptr; }
};
thread_local View t_skb, t_xdp;

// Empties the view and fills it with structs of these names, in this order. False: one is not known.
bool begin(View& v, const btf::BtfPtr& types, std::initializer_list<std::pair<const char*, u32>> structs) {
  v.types = types;
  v.parts.clear();
  if (!types) return false;
  for (const auto& [name, extra] : structs) {
    auto made = KernelStruct::make(*types, name, extra);
    if (!made.ok()) return false;
    v.parts.push_back(std::move(*made));
  }
  return true;
}

void fill_device(KernelStruct& device, KernelStruct& net, u32 ifindex) {
  device.set("ifindex", ifindex);
  device.set_text("name", ifindex == 1 ? "lo" : "if" + std::to_string(ifindex));
  device.set("mtu", 65536);
  device.set("nd_net.net", net.address());
  const u64 inode = host::namespace_inode(host::own_tid(), "net");
  net.set("ns.inum", inode);
}

}  // namespace

u64 cast_skb(u64 skb, u64, u64, u64, u64) {
  if (host::t_sk_buff.address && skb == host::t_sk_buff.address) return skb;
  auto& s = *reinterpret_cast<host::SkbContext*>(skb);
  constexpr u32 kShared = 320;  // sizeof(struct skb_shared_info), aligned
  View& v = t_skb;
  if (!begin(v, helpers::code::kernel_types(), {{"sk_buff", kShared}, {"net_device", 0}, {"net", 0}}))
    return 0;
  KernelStruct& b = *v.at(0);
  fill_device(*v.at(1), *v.at(2), s.ifindex);
  b.set("len", s.len);
  b.set("data", s.data);
  b.set("head", s.head);
  b.set("protocol", s.protocol);
  b.set("mark", s.mark);
  b.set("priority", s.priority);
  b.set("hash", s.hash);
  b.set("skb_iif", s.ingress_ifindex);
  b.set("tstamp", s.tstamp);
  b.set("queue_mapping", s.queue_mapping);
  b.set("tc_index", s.tc_index);
  b.set("vlan_tci", s.vlan_tci);
  b.set("vlan_proto", s.vlan_proto);
  b.set("dev", v.at(1)->address());
  b.set("mac_header", s.mac_header ? s.mac_header - s.head : 0xffff);
  b.set("network_header", s.network_header ? s.network_header - s.head : 0);
  b.set("tail", s.data - s.head + s.len);
  b.set("truesize", s.tail_limit - s.head);
  // The packet's shared info is empty; it lies behind the struct, not behind the packet.
  const u64 shared = b.address() + b.size() - kShared;
  b.set("end", shared - s.head);
  b.set_bits("ip_summed", s.ip_summed);
  b.set_bits("csum_level", s.csum_level);
  b.set_bits("encapsulation", s.encapsulation);
  b.set_bits("pkt_type", s.pkt_type);
  host::t_sk_buff = {b.address(), &s};
  return b.address();
}

u64 cast_xdp(u64 xdp, u64, u64, u64, u64) {
  const auto& x = *reinterpret_cast<const host::XdpContext*>(xdp);
  View& v = t_xdp;
  if (!begin(v, helpers::code::kernel_types(),
             {{"xdp_buff", 0}, {"xdp_rxq_info", 0}, {"net_device", 0}, {"net", 0}}))
    return 0;
  KernelStruct& b = *v.at(0);
  fill_device(*v.at(2), *v.at(3), x.ingress_ifindex ? x.ingress_ifindex : 1);
  v.at(1)->set("dev", v.at(2)->address());
  v.at(1)->set("queue_index", x.rx_queue_index);
  b.set("data", x.data);
  b.set("data_end", x.data_end);
  b.set("data_meta", x.data_meta);
  b.set("data_hard_start", x.hard_start);
  b.set("frame_sz", x.frame_end - x.hard_start);
  b.set("rxq", v.at(1)->address());
  return b.address();
}

}  // namespace osmia::kfuncs::code
