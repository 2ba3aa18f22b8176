// Headers pushed and taken, protocols changed, tunnels described, lengths checked: each step's result goes into a map,
// so that a difference to the kernel shows even where the packet ends up the same.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 64);
  __type(key, __u32);
  __type(value, __u64);
} results SEC(".maps");

static __always_inline void note(__u32 slot, __s64 value) {
  __u64* sum = bpf_map_lookup_elem(&results, &slot);
  if (sum) *sum = *sum * 31 + value;
}

SEC("tc")
int room_mac(struct __sk_buff* skb) {
  note(0, bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, 0));
  note(1, skb->len);
  note(2, skb->protocol);
  note(3, bpf_skb_adjust_room(skb, -8, BPF_ADJ_ROOM_MAC, 0));
  note(4, skb->len);
  note(5, bpf_skb_adjust_room(skb, -2000, BPF_ADJ_ROOM_MAC, 0));
  note(6, bpf_skb_adjust_room(skb, 5000, BPF_ADJ_ROOM_MAC, 0));
  note(7, bpf_skb_adjust_room(skb, 4, 7, 0));
  note(8, bpf_skb_adjust_room(skb, 4, BPF_ADJ_ROOM_MAC, 1ull << 40));
  return TC_ACT_OK;
}

SEC("tc")
int room_net(struct __sk_buff* skb) {
  note(0, bpf_skb_adjust_room(skb, 24, BPF_ADJ_ROOM_NET, 0));
  note(1, skb->len);
  note(2, bpf_skb_adjust_room(skb, -12, BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO));
  note(3, skb->len);
  note(4, bpf_skb_adjust_room(skb, -40, BPF_ADJ_ROOM_NET, 0));
  return TC_ACT_UNSPEC;
}

SEC("tc")
int encap(struct __sk_buff* skb) {
  note(0, bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6));
  note(1, bpf_skb_adjust_room(skb, 48, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP));
  note(2, skb->protocol);
  note(3, bpf_skb_adjust_room(skb, 20, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4));
  note(4, bpf_skb_adjust_room(skb, -48, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_DECAP_L3_IPV4));
  note(5, skb->protocol);
  note(6, skb->len);
  note(7, bpf_skb_adjust_room(skb, 34, BPF_ADJ_ROOM_MAC,
                              BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L2_ETH | BPF_F_ADJ_ROOM_ENCAP_L2(4)));
  return TC_ACT_OK;
}

SEC("tc")
int proto(struct __sk_buff* skb) {
  note(0, bpf_skb_change_proto(skb, bpf_htons(0x86dd), 0));
  note(1, skb->protocol);
  note(2, skb->len);
  note(3, bpf_skb_change_proto(skb, bpf_htons(0x86dd), 0));
  note(4, bpf_skb_change_proto(skb, bpf_htons(0x0800), 0));
  note(5, skb->protocol);
  note(6, bpf_skb_change_proto(skb, bpf_htons(0x0806), 0));
  note(7, bpf_skb_change_proto(skb, bpf_htons(0x86dd), 1));
  return TC_ACT_OK;
}

SEC("tc")
int tunnel(struct __sk_buff* skb) {
  struct bpf_tunnel_key key = {}, back = {};
  note(0, bpf_skb_get_tunnel_key(skb, &back, sizeof(back), 0));
  key.tunnel_id = 42;
  key.remote_ipv4 = 0x0a000001;
  key.tunnel_ttl = 64;
  note(1, bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX));
  note(2, bpf_skb_get_tunnel_key(skb, &back, sizeof(back), 0));
  note(3, back.tunnel_id);
  note(4, back.remote_ipv4);
  note(5, back.local_ipv4);
  note(6, bpf_skb_get_tunnel_key(skb, &back, sizeof(back), BPF_F_TUNINFO_IPV6));
  note(7, back.tunnel_id);
  note(8, bpf_skb_get_tunnel_key(skb, &back, sizeof(back), BPF_F_TUNINFO_FLAGS));
  note(9, back.tunnel_flags);
  char opt[16] = "twelve bytes";
  note(10, bpf_skb_get_tunnel_opt(skb, opt, 8));
  note(11, bpf_skb_set_tunnel_opt(skb, opt, 12));
  note(12, bpf_skb_get_tunnel_opt(skb, opt, 16));
  note(13, bpf_skb_set_tunnel_opt(skb, opt, 10));
  key.tunnel_label = 5;
  note(14, bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0));
  note(15, bpf_skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_TUNINFO_IPV6 | BPF_F_SEQ_NUMBER));
  note(16, bpf_skb_get_tunnel_key(skb, &back, sizeof(back), BPF_F_TUNINFO_IPV6 | BPF_F_TUNINFO_FLAGS));
  note(17, back.tunnel_label);
  note(18, back.tunnel_flags);
  return TC_ACT_OK;
}

SEC("tc")
int lengths(struct __sk_buff* skb) {
  __u32 mtu = 0;
  note(0, bpf_check_mtu(skb, 0, &mtu, 0, 0));
  note(1, mtu);
  mtu = 0;
  note(2, bpf_check_mtu(skb, 1, &mtu, 65536, 0));
  mtu = 66000;
  note(3, bpf_check_mtu(skb, 1, &mtu, 0, 0));
  note(4, bpf_check_mtu(skb, 1, &mtu, 0, BPF_MTU_CHK_SEGS));
  note(5, bpf_check_mtu(skb, 1 << 30, &mtu, 0, 0));
  note(6, bpf_skb_ecn_set_ce(skb));
  note(7, bpf_skb_set_tstamp(skb, 1000, BPF_SKB_CLOCK_MONOTONIC));
  note(8, bpf_skb_set_tstamp(skb, 0, BPF_SKB_CLOCK_TAI));
  note(9, skb->tstamp);
  note(10, skb->tstamp_type);
  note(11, bpf_redirect_peer(1, 1));
  note(12, bpf_redirect_neigh(1, 0, 0, 1));
  return TC_ACT_OK;
}

SEC("flow_dissector")
int dissect(struct __sk_buff* skb) {
  struct bpf_flow_keys* keys = skb->flow_keys;
  void *data = (void*)(long)skb->data, *end = (void*)(long)skb->data_end;
  if (data + 34 > end) return BPF_DROP;
  keys->addr_proto = 0x0800;
  keys->ip_proto = *(__u8*)(data + 23);
  keys->ipv4_src = *(__u32*)(data + 26);
  keys->ipv4_dst = *(__u32*)(data + 30);
  keys->thoff = 60000;
  char byte;
  note(0, bpf_skb_load_bytes(skb, 0, &byte, 1));
  return BPF_OK;
}

char _license[] SEC("license") = "GPL";
