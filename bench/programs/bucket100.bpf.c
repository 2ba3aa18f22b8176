#include "bench.h"
/* token buckets: 64-bit division and modulo by constants, comparisons, min and max */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 tokens = 1000, last = 0, dropped = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 100; i++) {
    u64 now = last + ld32(d + 8 * i), need = 64 + ld32(d + 8 * i + 4) % 1437;
    tokens += (now - last) * 125 / 1000000;
    if (tokens > 30000) tokens = 30000;
    if (tokens < need) dropped += now / 1000000000ull + 1;
    else tokens -= need;
    last = now;
  }
  return tokens * 1000 + dropped;
}
BENCH_ENTRY(800)
