#include "bench.h"
/* a 64-bin histogram of 1024 bytes on the stack: data-dependent index, read-modify-write */
INLINE u64 bench(u8 *d, u8 *end) {
  u32 h[64] = {};
  u64 acc = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 1024; i++) h[d[i] >> 2]++;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 64; i++) acc = acc * 3 + h[i];
  return acc;
}
BENCH_ENTRY(1024)
