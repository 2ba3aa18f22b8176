/* TCP options in a bounded loop: variable packet offsets, one branch an option kind, everything checked. */
#include "verify.h"
struct seen {
  u64 mss, wscale, ts, sack, other, bad;
};
MAP(stats, BPF_MAP_TYPE_PERCPU_ARRAY, u32, struct seen, 1);
SEC("xdp") int tcp_options(struct xdp_md *ctx) {
  u8 *d = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
  u32 zero = 0;
  struct seen *s = bpf_map_lookup_elem(&stats, &zero);
  if (!s || d + 54 > end) return XDP_PASS;
  if (d[12] != 8 || d[13] || (d[14] & 0xf) != 5 || d[23] != 6) return XDP_PASS;
  u32 left = (d[46] >> 4) * 4;
  if (left < 20) return XDP_DROP;
  left -= 20;
  u32 off = 54;
  for (u32 i = 0; i < 6 && left; i++) {
    if (off > 94) break;
    u8 *o = d + off;
    if (o + 1 > end) return XDP_DROP;
    u8 kind = o[0];
    if (kind == 0) break;
    if (kind == 1) {
      off++;
      left--;
      continue;
    }
    if (o + 2 > end) return XDP_DROP;
    u32 len = o[1];
    if (len < 2 || len > left) {
      s->bad++;
      return XDP_DROP;
    }
    switch (kind) {
    case 2:
      if (len != 4 || o + 4 > end) return XDP_DROP;
      s->mss += (u32)o[2] << 8 | o[3];
      break;
    case 3:
      if (len != 3 || o + 3 > end) return XDP_DROP;
      s->wscale += o[2];
      break;
    case 4:
    case 5: s->sack++; break;
    case 8:
      if (len != 10 || o + 10 > end) return XDP_DROP;
      s->ts += *(u32 *)(o + 2);
      break;
    default: s->other++;
    }
    off += len;
    left -= len;
  }
  return XDP_PASS;
}
