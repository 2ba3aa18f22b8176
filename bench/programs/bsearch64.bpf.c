#include "bench.h"
/* 64 binary searches in 64 sorted words on the stack: dependent loads at computed addresses */
INLINE u64 bench(u8 *d, u8 *end) {
  u32 t[64];
  u64 acc = 0, v = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 64; i++) t[i] = (u32)(v += 1 + (ld32(d + 4 * i) >> 7));
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 64; i++) {
    u32 key = ld32(d + 4 * i) >> 1, at = 0;
#pragma clang loop unroll(disable)
    for (u32 step = 32; step; step >>= 1) {
      u32 next = (at + step) & 63;
      at = t[next] <= key ? next : at;
      asm volatile("" : "+r"(at));
      at &= 63;
    }
    acc = acc * 3 + at;
  }
  return acc;
}
BENCH_ENTRY(256)
