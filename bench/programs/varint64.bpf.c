#include "bench.h"
/* LEB128 numbers out of 320 bytes: a data-dependent shift, a branch a byte */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 value = 0, sum = 0;
  u32 shift = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 320; i++) {
    u64 byte = d[i];
    value |= (byte & 127) << (shift & 63);
    shift += 7;
    if (byte < 128) {
      sum = sum * 3 + value;
      value = 0;
      shift = 0;
    }
  }
  return sum ^ sum >> 32;
}
BENCH_ENTRY(320)
