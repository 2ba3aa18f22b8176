#include "bench.h"
/* the last place of an 8-letter word in 1024 bytes: a filter on one byte, then a 64-bit compare */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 found = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 1024; i++)
    if (d[i] == 'v' && ld64(d + i) == 0x7265696669726576ull) found = found * 7 + i;
  return found;
}
BENCH_ENTRY(1100)
