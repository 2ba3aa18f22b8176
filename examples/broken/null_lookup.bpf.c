// Classic mistake 2: the element is used without asking whether the lookup found one.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} packets SEC(".maps");

SEC("xdp")
int count_queue(struct xdp_md* ctx) {
  __u32 queue = ctx->rx_queue_index;
  __u64* n = bpf_map_lookup_elem(&packets, &queue);
  *n += 1;  // n may be null
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
