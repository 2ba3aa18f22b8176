/* Two threads on one hash map: the same look-ups, and updates of keys that are the thread's own. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
typedef __u32 u32;
typedef __u64 u64;
#define OPS 100
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 8192);
  __type(key, u64);
  __type(value, u64);
} shared SEC(".maps");
#define LOOP(...) { u64 s = 0; u32 x = 1; for (u32 i = 0; i < OPS; i++) { x = x * 1664525 + 1013904223; u32 r = x >> 22; __VA_ARGS__ } return (int)s; }
SEC("xdp") int m_loop(struct xdp_md *c) LOOP(u64 k = r; asm volatile("" : "+r"(k)); s += k;)
SEC("xdp") int m_lookup(struct xdp_md *c) LOOP(u64 k = r; u64 *v = bpf_map_lookup_elem(&shared, &k); if (v) s += *v;)
SEC("xdp") int m_update(struct xdp_md *c) {
  u64 mine = 1024 + bpf_get_smp_processor_id() * 1024;
  LOOP(u64 k = mine + r; u64 v = i; bpf_map_update_elem(&shared, &k, &v, 0);)
}
char _license[] SEC("license") = "GPL";
