/* Loops as people write them, each too long or too branchy to be unrolled; the native profile takes them all. */
#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(n) __attribute__((section(n), used))
/* The compiler must not know the value, nor turn branches around it into arithmetic. */
#define OPAQUE(x) asm volatile("" : "+r"(x))
#define NOINLINE static __attribute__((noinline))
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static u32 (*bpf_get_prandom_u32)(void) = (void *)7;

struct {
  int (*type)[2]; /* ARRAY */
  u32 *key;
  struct block {
    u32 v[256];
    u64 sum;
  } * value;
  int (*max_entries)[4];
} blocks SEC(".maps");

/* Up, signed int, branches. */
SEC("xdp") int count_up(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32(), b = 1;
  for (int i = 0; i < 100000; i++) {
    if (a & 1) a = a * 3 + 1;
    else a >>= 1;
    if ((a ^ i) & 4) b += a;
  }
  return b & 1;
}

/* Down to zero, and down through zero. */
SEC("xdp") int count_down(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (u32 i = 5000; i; i--) a = a & i ? a * 5 : a + 3;
  for (int i = 4999; i >= 0; i--) a = a & i ? a * 5 : a + 3;
  for (s64 i = 2000; i > -2000; i -= 3) a = a & 8 ? a + i : a ^ i;
  return a & 1;
}

/* The number of rounds is the packet's. */
SEC("xdp") int count_by_packet(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 14 > end) return 0;
  u32 n = *(u16 *)(p + 12);
  u64 a = p[0];
  for (u32 i = 0; i < n; i++) a = a & 1 ? a * 3 + i : a >> 1;
  return a & 1;
}

/* Every byte of the packet, by pointer. */
SEC("xdp") int walk_packet(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 sum = 0;
  for (; p + 1 <= end; p++) {
    if (*p & 1) sum += *p;
    else sum ^= *p;
  }
  return sum & 1;
}

/* Type, length, value until the end. */
SEC("xdp") int walk_tlv(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 seen = 0;
  p += 14;
  while (p + 2 <= end) {
    u8 len = p[1];
    if (p[0] == 0) break;
    if (len < 2) return 0;
    seen |= 1u << (p[0] & 31);
    p += len;
  }
  return seen & 1;
}

/* A table in a map value, by index and by pointer. */
SEC("xdp") int map_table(struct xdp_md *ctx) {
  u32 key = 0;
  struct block *b = bpf_map_lookup_elem(&blocks, &key);
  if (!b) return 0;
  for (u32 round = 0; round < 64; round++)
    for (u32 i = 0; i < 255; i++)
      if (b->v[i] > b->v[i + 1]) {
        u32 t = b->v[i];
        b->v[i] = b->v[i + 1];
        b->v[i + 1] = t;
      }
  for (u32 *q = b->v; q != b->v + 256; q++) b->sum = b->sum * 31 + (*q & 1 ? *q : 7);
  return 1;
}

/* Counters that live on the stack. */
SEC("xdp") int stack_counter(struct xdp_md *ctx) {
  volatile u64 i = 0;
  u64 a = bpf_get_prandom_u32();
  while (i < 3000) {
    a = bpf_get_prandom_u32() & 1 ? a * 3 : a ^ i;
    i = i + 1;
  }
  return a & 1;
}

/* Insertion sort: the inner loop runs down and stops early. */
SEC("xdp") int insertion_sort(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 a[48];
  if (p + sizeof a > end) return 0;
  for (u32 i = 0; i < 48; i++) a[i] = *(u32 *)(p + 4 * i);
  for (u32 i = 1; i < 48; i++) {
    u32 v = a[i], j = i;
    for (; j > 0; j--) {
      OPAQUE(j); /* or clang makes a pointer of it whose distance from j only it knows */
      if (j == 0 || j > 47 || a[j - 1] <= v) break;
      a[j] = a[j - 1];
    }
    OPAQUE(j);
    if (j < 48) a[j] = v;
  }
  return a[0] & 1;
}

/* Two cursors that meet. */
SEC("xdp") int two_cursors(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 1024 > end) return 0;
  u32 swaps = 0;
  u64 i = 0, j = 1023;
  while (i < j && j < 1024) {
    if (p[i] & 1) {
      j--;
      swaps++;
      OPAQUE(swaps);
    } else {
      i++;
    }
  }
  return swaps & 1;
}

/* continue, break, and a loop in a static function. */
NOINLINE u32 scan(const u8 *p, u32 want) {
  u32 found = 0;
  for (u32 i = 0; i < 1400; i++) {
    if (p[i] == 0xff) break;
    if (p[i] != want) continue;
    found++;
    if (found > 1000) return found;
  }
  return found;
}
SEC("xdp") int in_a_function(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 1400 > end) return 0;
  u32 n = 0;
  for (u32 w = 0; w < 40; w++) n += scan(p, w);
  return n & 1;
}

/* Narrow counters. */
SEC("xdp") int narrow_counters(struct xdp_md *ctx) {
  u64 a = bpf_get_prandom_u32();
  for (u16 i = 0; i < 20000; i++) a = a & 1 ? a * 3 + i : a ^ (a >> 3);
  for (u8 i = 0; i < 200; i++)
    for (u8 k = 200; k > i; k--) a = a & 2 ? a * 5 + k : a ^ (a >> 5);
  return a & 1;
}

/* A step that is not one, a test by !=, an index computed from the counter. */
SEC("xdp") int strides(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 4096 > end) return 0;
  u64 a = 0;
  for (u32 i = 0; i != 4096; i += 16) {
    if (p[i] & 1) a += p[i + 15];
    else a ^= *(u64 *)(p + i + 4);
  }
  for (u32 i = 0; i < 1024; i++) a = a & 1 ? a + *(u32 *)(p + i * 4) : a >> 1;
  return a & 1;
}

/* A matrix on the stack. */
SEC("xdp") int matrix(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  if (p + 256 > end) return 0;
  u16 m[8][8], r[8][8];
  for (u32 i = 0; i < 8; i++)
    for (u32 j = 0; j < 8; j++) m[i][j] = p[i * 8 + j];
#pragma clang loop unroll(disable)
  for (u32 n = 0; n < 100; n++)
#pragma clang loop unroll(disable)
    for (u32 i = 0; i < 8; i++)
#pragma clang loop unroll(disable)
      for (u32 j = 0; j < 8; j++) {
        u16 s = 0;
#pragma clang loop unroll(disable)
        for (u32 k = 0; k < 8; k++)
          if (m[i][k] > m[k][j]) s += m[i][k];
          else s ^= m[k][j];
        r[i][j] = s;
        m[j][i] = s;
      }
  return r[3][4] & 1;
}
/* What fits is appended: the index grows in some rounds only. */
SEC("xdp") int append(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u8 out[200];
  if (p + 200 > end) return 0;
  u64 n = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 200; i++)
    if (p[i] & 1) {
      out[n] = p[i];
      OPAQUE(n);
      n++;
    }
  u32 sum = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 200; i++) sum = sum & 1 ? sum * 3 + out[i] : sum ^ out[i];
  return sum & 1;
}

/* Modulo and division keep what is in bounds in bounds. */
SEC("xdp") int ring_index(struct xdp_md *ctx) {
  u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  u32 ring[24] = {};
  if (p + 1200 > end) return 0;
  u64 at = 0;
  for (u32 i = 0; i < 1200; i++) {
    at = (at + p[i]) % 24;
    if (p[i] & 2) ring[at] += i / 7;
    else ring[at] ^= i;
  }
  return ring[3] & 1;
}
char _license[] SEC("license") = "GPL";
