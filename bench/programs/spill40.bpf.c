#include "bench.h"
/* a filter with twelve running sums in a loop: more live values than registers, spills in the loop */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 s[12] = {};
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 40; i++) {
    u64 x = ld64(d + 8 * i);
#pragma clang loop unroll(full)
    for (u32 k = 0; k < 12; k++) s[k] += (x >> k) ^ s[(k + 5) % 12];
  }
  u64 acc = 0;
#pragma clang loop unroll(full)
  for (u32 k = 0; k < 12; k++) acc = acc * 3 + s[k];
  return acc ^ acc >> 32;
}
BENCH_ENTRY(320)
