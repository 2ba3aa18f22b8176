// Classic mistake 1: the Ethernet header is checked against data_end, the IP header behind it is not.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int drop_udp(struct xdp_md* ctx) {
  void* data = (void*)(long)ctx->data;
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = data;
  struct iphdr* ip = (void*)(eth + 1);

  if ((void*)(eth + 1) > end) return XDP_PASS;
  if (eth->h_proto != bpf_htons(ETH_P_IP)) return XDP_PASS;
  return ip->protocol == IPPROTO_UDP ? XDP_DROP : XDP_PASS;  // ip + 1 was never compared with end
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
