/* A load balancer: Ethernet, two VLAN tags, IPv4 or IPv6 with extension headers, TCP or UDP, ICMP errors; hashed
 * by subprograms, looked up in four maps, encapsulated; four slots of it behind each other. */
#include "verify.h"
struct tuple {
  u32 src[4], dst[4];
  u16 sport, dport;
  u8 proto, v6, pad[2];
};
struct real {
  u32 addr[4], flags, weight;
};
MAP(conns, BPF_MAP_TYPE_LRU_HASH, struct tuple, u32, 65536);
MAP(vips, BPF_MAP_TYPE_HASH, u32, u32, 512);
MAP(ring, BPF_MAP_TYPE_ARRAY, u32, u32, 65537);
MAP(reals, BPF_MAP_TYPE_ARRAY, u32, struct real, 4096);
NOINLINE u32 mix(u32 a, u32 b, u32 c) {
  a -= c; a ^= c << 4 | c >> 28; c += b;
  b -= a; b ^= a << 6 | a >> 26; a += c;
  c -= b; c ^= b << 8 | b >> 24; b += a;
  return a ^ b ^ c;
}
NOINLINE u32 hash(const struct tuple *t) {
  u32 h = t->proto;
  for (int i = 0; i < 4; i++) h = mix(h, t->src[i], t->dst[i]);
  return mix(h, t->sport, t->dport);
}
INLINE int balance(void *d, void *end, u32 off) {
  struct tuple t = {};
  u8 *p = d + off;
  if (p + 14 > (u8 *)end) return XDP_PASS;
  u16 type = *(u16 *)(p + 12);
  p += 14;
  for (int i = 0; i < 2; i++) {
    if (type != bpf_htons(0x8100) && type != bpf_htons(0x88a8)) break;
    if (p + 4 > (u8 *)end) return XDP_DROP;
    type = *(u16 *)(p + 2);
    p += 4;
  }
  if (type == bpf_htons(0x0800)) {
    if (p + 20 > (u8 *)end) return XDP_DROP;
    u32 ihl = (p[0] & 15) * 4;
    if (ihl < 20) return XDP_DROP;
    t.proto = p[9];
    t.src[0] = *(u32 *)(p + 12);
    t.dst[0] = *(u32 *)(p + 16);
    p += ihl;
    if (t.proto == 1) {
      if (p + 28 > (u8 *)end) return XDP_DROP;
      if (p[0] != 3) return XDP_PASS;
      t.proto = p[17];
      p += 28;
    }
  } else if (type == bpf_htons(0x86dd)) {
    if (p + 40 > (u8 *)end) return XDP_DROP;
    t.v6 = 1;
    t.proto = p[6];
    for (int i = 0; i < 4; i++) {
      t.src[i] = *(u32 *)(p + 8 + 4 * i);
      t.dst[i] = *(u32 *)(p + 24 + 4 * i);
    }
    p += 40;
    for (int i = 0; i < 4; i++) {
      if (t.proto != 0 && t.proto != 43 && t.proto != 60) break;
      if (p + 8 > (u8 *)end) return XDP_DROP;
      t.proto = p[0];
      p += 8 + p[1] * 8;
    }
  } else {
    return XDP_PASS;
  }
  if (t.proto != 6 && t.proto != 17) return XDP_PASS;
  if (p + 8 > (u8 *)end) return XDP_DROP;
  t.sport = *(u16 *)p;
  t.dport = *(u16 *)(p + 2);
  u32 key = t.dst[0] ^ t.dport;
  u32 *vip = bpf_map_lookup_elem(&vips, &key);
  if (!vip) return XDP_PASS;
  u32 *where = bpf_map_lookup_elem(&conns, &t), fresh;
  if (!where) {
    u32 slot = hash(&t) % 65537;
    u32 *at = bpf_map_lookup_elem(&ring, &slot);
    if (!at) return XDP_DROP;
    fresh = *at;
    bpf_map_update_elem(&conns, &t, &fresh, 0);
    where = &fresh;
  }
  u32 index = *where;
  struct real *r = bpf_map_lookup_elem(&reals, &index);
  if (!r || r->flags & 1) return XDP_DROP;
  *(u32 *)(p) ^= r->addr[0];
  return XDP_TX;
}
SEC("xdp") int balancer(struct xdp_md *ctx) {
  int out = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    int r = balance((void *)(long)ctx->data, (void *)(long)ctx->data_end, i * 300);
    if (r == XDP_DROP) return r;
    out |= r;
  }
  return out;
}
