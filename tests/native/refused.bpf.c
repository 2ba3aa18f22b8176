/* What no profile may take: each line in native_test.cpp says why. */
#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(n) __attribute__((section(n), used))
#define OPAQUE(x) asm volatile("" : "+r"(x))
typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u32 (*bpf_get_prandom_u32)(void) = (void *)7;
static long (*bpf_spin_lock)(void *lock) = (void *)93;
static long (*bpf_spin_unlock)(void *lock) = (void *)94;
static void *(*bpf_ringbuf_reserve)(void *ring, u64 size, u64 flags) = (void *)131;
static void (*bpf_ringbuf_discard)(void *data, u64 flags) = (void *)133;

struct lock_value {
  struct bpf_spin_lock lock;
  u32 n[64];
};
struct {
  int (*type)[2];
  u32 *key;
  struct lock_value *value;
  int (*max_entries)[4];
} locked SEC(".maps");
struct {
  int (*type)[27];
  int (*max_entries)[4096];
} ring SEC(".maps");

/* Nothing ends it. */
SEC("xdp") int endless(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (;;) {
    a = a & 1 ? a * 3 + 1 : a >> 1;
    OPAQUE(a);
  }
  return 0;
}

/* Ends by luck only. */
SEC("xdp") int by_luck(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  while (a != 1) {
    a = a & 1 ? a * 3 + 1 : a >> 1;
    OPAQUE(a);
  }
  return 0;
}

/* The counter may step over its end, and so wrap. */
SEC("xdp") int steps_over(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (u32 i = bpf_get_prandom_u32() & 0xff; i != 100001; i += 2) a = a & 1 ? a * 3 : a ^ i;
  return a & 1;
}

/* 32 bits are too few for the bound. */
SEC("xdp") int wraps(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32(), n = a * a;
  for (u32 i = 0;; i += 16) {
    OPAQUE(i);
    u64 wide = i;
    if (wide > 0xfffffff8ull) break;
    a = a & 1 ? a * 3 : a ^ n;
  }
  return a & 1;
}

/* The counter is set back on one of the ways. */
SEC("xdp") int set_back(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (u32 i = 0; i < 20000; i++) {
    OPAQUE(i);
    if (bpf_get_prandom_u32() == 7) i = 0;
    OPAQUE(i);
    a = a & 1 ? a * 3 : a ^ i;
  }
  return a & 1;
}

/* One element too many. */
SEC("xdp") int one_too_many(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 8192 > end) return 0;
  u64 a = 0;
  for (u32 i = 0; i <= 8192; i++) a = p[i] & 1 ? a + 1 : a ^ i;
  return a & 1;
}

/* The bound holds for one counter, the access is by another. */
SEC("xdp") int other_index(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 6000 > end) return 0;
  u64 a = 0, k = 0;
  for (u32 i = 0; i < 6000; i++) {
    OPAQUE(k);
    a = p[k] & 1 ? a + 1 : a ^ i;
    k += (a & 1) + 1;
  }
  return a & 1;
}

/* A stack array, left by its end. */
SEC("xdp") int off_the_stack(struct xdp_md *ctx) {
  u32 v[32];
  u64 a = bpf_get_prandom_u32();
  for (u32 i = 0; i < 32; i++) {
    v[i] = i;
    OPAQUE(i);
  }
  for (u32 r = 0; r < 1000; r++)
    for (u32 i = 0; i < 32; i++) {
      OPAQUE(i);
      a = v[i + 1] & 1 ? a * 3 : a ^ v[i];
    }
  return a & 1;
}

/* One more reference in every round. */
SEC("xdp") int leaks(struct xdp_md *ctx) {
  u32 n = 0;
  for (u32 i = 0; i < 1500; i++) {
    u32 *r = bpf_ringbuf_reserve(&ring, 8, 0);
    if (!r) continue;
    *r = i;
    n++;
    OPAQUE(n);
  }
  return n & 1;
}

/* Given back twice on some ways. */
SEC("xdp") int gives_back_twice(struct xdp_md *ctx) {
  u32 n = 0;
  u32 *r = bpf_ringbuf_reserve(&ring, 8, 0);
  if (!r) return 0;
  for (u32 i = 0; i < 20000; i++) {
    n += bpf_get_prandom_u32() & 1 ? 3 : n;
    OPAQUE(n);
    if (n == 1000) bpf_ringbuf_discard(r, 0);
  }
  bpf_ringbuf_discard(r, 0);
  return n & 1;
}

/* Locked in one round, unlocked never. */
SEC("xdp") int locks(struct xdp_md *ctx) {
  u32 key = 0, n = 0;
  struct lock_value *v = bpf_map_lookup_elem(&locked, &key);
  if (!v) return 0;
  for (u32 i = 0; i < 10000; i++) {
    n = n & 1 ? n * 3 : n + i;
    OPAQUE(n);
    if (n == 1000) bpf_spin_lock(&v->lock);
  }
  bpf_spin_unlock(&v->lock);
  return n & 1;
}

/* A pointer at first, a number later. */
SEC("xdp") int pointer_or_number(struct xdp_md *ctx) {
  u64 where = (u64)ctx, a = bpf_get_prandom_u32();
  for (u32 i = 0; i < 20000; i++) {
    OPAQUE(where);
    a = a & 1 ? a * 3 : a ^ i;
    OPAQUE(a);
    if (a == 77) where = a * 2;
  }
  return *(u32 *)(where + 8);
}

/* The null check was for another lookup. */
SEC("xdp") int stale_check(struct xdp_md *ctx) {
  u32 key = 0;
  u64 a = 0;
  struct lock_value *v = bpf_map_lookup_elem(&locked, &key);
  if (!v) return 0;
  for (u32 i = 0; i < 20000; i++) {
    a += v->n[3];
    a = a & 1 ? a * 3 : a ^ i;
    OPAQUE(a);
    if (a == 99) v = bpf_map_lookup_elem(&locked, &key);
  }
  return a & 1;
}

/* Walks over the end: checked one byte, read two. */
SEC("xdp") int walks_over(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 sum = 0;
  for (; p + 1 <= end; p++) {
    sum = *p & 1 ? sum * 3 : sum + *p;
    OPAQUE(sum);
    sum += p[1];
  }
  return sum & 1;
}

/* A walk that may stand still: the length may be 0. */
SEC("xdp") int stands_still(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 seen = 0;
  p += 14;
  while (p + 2 <= end) {
    seen |= 1u << (p[0] & 31);
    p += p[1];
  }
  return seen & 1;
}

/* The outer counter is the inner loop's to spoil. */
SEC("xdp") int spoilt_by_inner(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (u32 i = 0; i < 1000; i++) {
    OPAQUE(i);
    for (u32 k = 0; k < 100; k++) {
      a = a & 1 ? a * 3 : a ^ k;
      OPAQUE(a);
      if (a == 5) i--;
      OPAQUE(i);
    }
  }
  return a & 1;
}
char _license[] SEC("license") = "GPL";
