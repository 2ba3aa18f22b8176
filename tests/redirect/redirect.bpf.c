// Programs that send packets elsewhere, by every helper that a test run can see.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, struct bpf_devmap_val);
} devices SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
  __uint(max_entries, 8);
  __type(key, __u32);
  __type(value, __u32);
} by_vlan SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_CPUMAP);
  __uint(max_entries, 2);
  __type(key, __u32);
  __type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int to_device(struct xdp_md *ctx) {
  return bpf_redirect(3, 0);
}
SEC("xdp")
int by_map(struct xdp_md *ctx) {
  long length = ctx->data_end - ctx->data;
  return bpf_redirect_map(&devices, length & 1, XDP_DROP);
}
SEC("xdp")
int by_hash(struct xdp_md *ctx) {
  return bpf_redirect_map(&by_vlan, 100, XDP_PASS);
}
SEC("xdp")
int to_all(struct xdp_md *ctx) {
  return bpf_redirect_map(&devices, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS);
}
SEC("xdp")
int to_cpu(struct xdp_md *ctx) {
  return bpf_redirect_map(&cpus, 1, 0);
}
SEC("xdp/devmap")
int on_the_way_out(struct xdp_md *ctx) {
  return ctx->egress_ifindex == 3 && ctx->ingress_ifindex == 2 ? XDP_PASS : XDP_DROP;
}
SEC("xdp/cpumap")
int on_the_cpu(struct xdp_md *ctx) {
  return bpf_get_smp_processor_id() == 1 ? bpf_redirect_map(&devices, 2, 0) : XDP_PASS;
}
SEC("xdp")
int to_socket(struct xdp_md *ctx) {
  return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
}
SEC("xdp")
int only_says_so(struct xdp_md *ctx) {
  return XDP_REDIRECT;
}

SEC("tc")
int tc_to_device(struct __sk_buff *skb) {
  return bpf_redirect(2, BPF_F_INGRESS);
}
SEC("tc")
int tc_to_peer(struct __sk_buff *skb) {
  return bpf_redirect_peer(2, 0);
}
SEC("tc")
int tc_to_neighbour(struct __sk_buff *skb) {
  return bpf_redirect_neigh(2, 0, 0, 0);
}
SEC("tc")
int tc_clones(struct __sk_buff *skb) {
  bpf_clone_redirect(skb, 2, 0);
  bpf_clone_redirect(skb, 2, 0);
  return TC_ACT_OK;
}

// A router as samples/bpf has it: the look-up's answer is the action, and what a map counts.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} answers SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct bpf_fib_lookup);
} last SEC(".maps");

SEC("xdp")
int router(struct xdp_md *ctx) {
  void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  struct ethhdr *eth = data;
  struct bpf_fib_lookup fib = {};
  __u32 zero = 0;
  if ((void *)(eth + 1) > end) return XDP_DROP;
  if (eth->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr *ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > end) return XDP_DROP;
    fib.family = 2;
    fib.tot_len = bpf_ntohs(ip->tot_len);
    fib.ipv4_src = ip->saddr;
    fib.ipv4_dst = ip->daddr;
  } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr *ip = (void *)(eth + 1);
    if ((void *)(ip + 1) > end) return XDP_DROP;
    fib.family = 10;
    __builtin_memcpy(fib.ipv6_src, &ip->saddr, 16);
    __builtin_memcpy(fib.ipv6_dst, &ip->daddr, 16);
  } else {
    return XDP_PASS;
  }
  fib.ifindex = ctx->ingress_ifindex;
  long answer = bpf_fib_lookup(ctx, &fib, sizeof fib, 0);
  __u32 key = answer < 0 ? 15 : answer;
  __u64 *count = bpf_map_lookup_elem(&answers, &key);
  if (count) *count += 1;
  bpf_map_update_elem(&last, &zero, &fib, 0);
  if (answer == BPF_FIB_LKUP_RET_SUCCESS) {
    __builtin_memcpy(eth->h_dest, fib.dmac, 6);
    __builtin_memcpy(eth->h_source, fib.smac, 6);
    return bpf_redirect(fib.ifindex, 0);
  }
  return answer > 0 && answer <= BPF_FIB_LKUP_RET_PROHIBIT ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
