/* A profiler's walk of a foreign stack: probe reads, strings into a map value at variable offsets, symbols by a
 * hash map, in an outer loop of frames that is not unrolled. */
#include "verify.h"
struct frame {
  u64 back, code, line;
};
struct event {
  u32 frames, bytes;
  u32 ids[64];
  char text[4096];
};
struct symbol {
  char file[64], name[64];
};
MAP(events, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct event, 1);
MAP(symbols, BPF_MAP_TYPE_HASH, struct symbol, u32, 4096);
SEC("raw_tp/sched_switch") int stack_walk(struct bpf_raw_tracepoint_args *ctx) {
  u32 zero = 0;
  struct event *e = bpf_map_lookup_elem(&events, &zero);
  if (!e) return 0;
  u64 at = ctx->args[0];
  u32 bytes = 0, n = 0;
  for (u32 i = 0; i < 64; i++) {
    struct frame f;
    struct symbol sym = {};
    if (!at || bpf_probe_read_kernel(&f, sizeof f, (void *)at)) break;
    long len = bpf_probe_read_kernel_str(sym.file, sizeof sym.file, (void *)f.code);
    if (len < 0) break;
    len = bpf_probe_read_kernel_str(sym.name, sizeof sym.name, (void *)f.code + 64);
    if (len < 0) break;
    u32 *id = bpf_map_lookup_elem(&symbols, &sym);
    if (id) {
      e->ids[i & 63] = *id;
    } else {
      u32 fresh = i << 16 | bpf_get_smp_processor_id();
      bpf_map_update_elem(&symbols, &sym, &fresh, BPF_NOEXIST);
      u32 start = bytes;
      asm volatile("%[start] &= 2047" : [start] "+r"(start));
      long got = bpf_probe_read_kernel_str(e->text + start, 64, (void *)f.code);
      if (got > 0) bytes += got;
    }
    n++;
    at = f.back;
  }
  e->frames = n;
  e->bytes = bytes;
  return 0;
}
