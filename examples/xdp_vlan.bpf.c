// Two programs that change packets: `vlan_push` puts an 802.1Q tag on untagged IP packets and `vlan_pop` takes the
// outer tag off, both by moving the packet's head and with it the Ethernet addresses. Both send the packet back out
// (XDP_TX); what they do not change passes.
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct vlan_tag {
  __be16 tci;
  __be16 next;
};

const volatile __u16 vlan_id = 42;

SEC("xdp")
int vlan_push(struct xdp_md* ctx) {
  struct ethhdr* eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_IP) && eth->h_proto != bpf_htons(ETH_P_IPV6)) return XDP_PASS;
  struct ethhdr saved = *eth;

  if (bpf_xdp_adjust_head(ctx, -(int)sizeof(struct vlan_tag))) return XDP_ABORTED;
  eth = (void*)(long)ctx->data;
  struct vlan_tag* tag = (void*)(eth + 1);
  if ((void*)(tag + 1) > (void*)(long)ctx->data_end) return XDP_ABORTED;
  __builtin_memcpy(eth->h_dest, saved.h_dest, ETH_ALEN);
  __builtin_memcpy(eth->h_source, saved.h_source, ETH_ALEN);
  eth->h_proto = bpf_htons(ETH_P_8021Q);
  tag->tci = bpf_htons(vlan_id & 0xfff);
  tag->next = saved.h_proto;
  return XDP_TX;
}

SEC("xdp")
int vlan_pop(struct xdp_md* ctx) {
  struct ethhdr* eth = (void*)(long)ctx->data;
  struct vlan_tag* tag = (void*)(eth + 1);
  if ((void*)(tag + 1) > (void*)(long)ctx->data_end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_8021Q) && eth->h_proto != bpf_htons(ETH_P_8021AD)) return XDP_PASS;
  struct ethhdr saved = *eth;
  saved.h_proto = tag->next;

  if (bpf_xdp_adjust_head(ctx, sizeof(struct vlan_tag))) return XDP_ABORTED;
  eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) > (void*)(long)ctx->data_end) return XDP_ABORTED;
  __builtin_memcpy(eth, &saved, sizeof(saved));
  return XDP_TX;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
