#include "bench.h"
/* small leaf functions that are not inlined: the price of a call and a return */
NOINLINE u64 clamp(u64 v, u64 lo, u64 hi) { return v < lo ? lo : v > hi ? hi : v; }
NOINLINE u64 ewma(u64 old, u64 now) { return old - (old >> 3) + (now >> 3); }
NOINLINE u64 sat_add(u64 a, u64 b) { u64 s = a + b; return s < a ? ~0ull : s; }
INLINE u64 bench(u8 *d, u8 *end) {
  u64 rate = ld32(d), sum = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 256; i++) {
    rate = ewma(rate, clamp(ld32(d + 4 * i), 1000, 0x7fffffff));
    sum = sat_add(sum, rate << 20);
  }
  return sum ^ rate ^ sum >> 32;
}
BENCH_ENTRY(1024)
