// What a packet program's context is in the host: plain structs with one member per field of the UAPI's
// context, in a layout of our own. rewrite/ turns a program's access to __sk_buff or xdp_md into a load or
// store of the member of the same name, by the offsets that prog_types/ states. Pointers are host addresses;
// who fills a struct owns the memory behind them and keeps it alive for the run.
#pragma once
#include "base/types.h"

namespace osmia::host {

// Context of an XDP program. data_meta <= data <= data_end; [hard_start, frame_end) is the whole buffer.
struct XdpContext {
  u64 data = 0, data_end = 0, data_meta = 0;
  u64 hard_start = 0, frame_end = 0;
  u32 ingress_ifindex = 0, rx_queue_index = 0, egress_ifindex = 0;
  u32 flags = 0;  // what helpers left for the driver (redirection)
  u64 frags = 0;  // bytes of the packet behind data_end that no packet pointer reaches
  u32 frags_len = 0;
};

struct TunnelInfo;

// Context of a program on a socket buffer. Byte orders are the UAPI's.
struct SkbContext {
  u64 data = 0, data_end = 0, data_meta = 0;
  u64 head = 0, tail_limit = 0;  // the whole buffer
  // Widths are Linux's own: narrow reads and stores behave by them.
  u32 len = 0;
  u32 missing = 0;  // bytes at the end of len that a capture did not keep: loads of them fail
  u32 mark = 0, priority = 0, hash = 0, napi_id = 0;
  u32 ingress_ifindex = 0, ifindex = 0;
  u32 vlan_present = 0, wire_len = 0;
  u16 protocol = 0, vlan_tci = 0, vlan_proto = 0, queue_mapping = 0, tc_index = 0, tc_classid = 0;
  u16 dev_type = 1;  // ARPHRD_* of the device
  u16 family = 0, local_port = 0, gso_segs = 0, gso_size = 0;
  u8 pkt_type = 0;
  u32 cb[5] = {};
  u32 remote_ip4 = 0, local_ip4 = 0;
  u32 remote_ip6[4] = {}, local_ip6[4] = {};
  u32 remote_port = 0;  // a word in network order: the port is in its last two bytes
  u32 tstamp_type = 0;  // the UAPI's is one byte; low byte here
  u64 flow_keys = 0;    // struct bpf_flow_keys
  u64 sk = 0;           // socket, or 0
  u64 tstamp = 0, hwtstamp = 0;
  // What helpers need beside the fields: headers (0 = not known), and the checksum that hardware gave
  // (CHECKSUM_*).
  u64 mac_header = 0, network_header = 0;
  u32 ip_summed = 0, csum_level = 0, csum = 0;
  bool encapsulation = false;    // an outer header was pushed
  TunnelInfo* tunnel = nullptr;  // what bpf_skb_set_tunnel_key() said, or null
};

// A socket buffer as BTF programs see it: memory laid out as the kernel's struct sk_buff says, standing for a
// context. One at a time and thread; null: none.
struct SkBuffView {
  u64 address = 0;
  SkbContext* context = nullptr;
};
inline thread_local SkBuffView t_sk_buff;

// The context of a program's `struct __sk_buff *` or `struct sk_buff *`.
inline u64 skb_context(u64 skb) {
  return t_sk_buff.address && skb == t_sk_buff.address ? reinterpret_cast<u64>(t_sk_buff.context) : skb;
}

// The tunnel that a packet is to be sent through; lives in the thread that runs the program.
struct TunnelInfo {
  u64 id = 0;
  bool ipv6 = false;
  u8 tos = 0, ttl = 0;
  u32 label = 0;
  u32 source[4] = {}, destination[4] = {};  // host order for IPv4 (first word), network order for IPv6
  u16 flags = 0;                            // TUNNEL_* in network order
  u8 options[255] = {};
  u32 options_size = 0;
  bool has_options = false;
};

}  // namespace osmia::host
