// Functions, a callback, a map: what `osmia disasm --jited` must attribute.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 16);
  __type(key, __u32);
  __type(value, __u64);
} seen SEC(".maps");

static __noinline int weigh(__u32 a, __u32 b) {
  __u32 x = a * 31 + b;
  for (int i = 0; i < 7; i++) x = (x << 5 | x >> 27) + (b ^ x / 10);
  return x;
}

static long each(__u32 index, __u64* sum) {
  *sum += weigh(index, (__u32)*sum);
  return 0;
}

__noinline int global_part(__u32 n) {
  __u64 sum = n;
  bpf_loop(n & 7, each, &sum, 0);
  return (int)sum;
}

SEC("xdp")
int counts(struct xdp_md* ctx) {
  __u32 key = ctx->rx_queue_index;
  __u64* found = bpf_map_lookup_elem(&seen, &key);
  if (!found) {
    __u64 first = 1;
    bpf_map_update_elem(&seen, &key, &first, BPF_ANY);
    return XDP_PASS;
  }
  *found += 1;
  return weigh(key, (__u32)*found) & 1 ? XDP_DROP : global_part(key) & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
