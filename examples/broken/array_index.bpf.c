// Classic mistake 3: an index from the packet, bounded one too high: 16 slots are 0 to 15.
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

#define SLOTS 16

struct slots {
  __u32 hits[SLOTS];
};

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct slots);
} table SEC(".maps");

SEC("xdp")
int count_last_byte(struct xdp_md* ctx) {
  void* end = (void*)(long)ctx->data_end;
  struct ethhdr* eth = (void*)(long)ctx->data;
  if ((void*)(eth + 1) > end) return XDP_PASS;

  __u32 zero = 0;
  struct slots* s = bpf_map_lookup_elem(&table, &zero);
  if (!s) return XDP_PASS;
  __u32 index = eth->h_source[5];
  if (index > SLOTS) return XDP_PASS;  // should be >=
  s->hits[index]++;
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
