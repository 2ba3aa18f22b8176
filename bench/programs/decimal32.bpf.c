#include "bench.h"
/* 32 words written as decimal digits: division and modulo by 10, bytes stored downwards */
INLINE u64 bench(u8 *d, u8 *end) {
  u8 text[16] = {};
  u64 acc = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 32; i++) {
    u32 v = ld32(d + 4 * i) >> (i & 15);
#pragma clang loop unroll(disable)
    for (u32 at = 0; at < 10; at++) {
      text[9 - at] = '0' + v % 10;
      v /= 10;
      if (!v) break;
    }
    acc = acc * 31 + *(u64 *)text + text[8] + text[9];
  }
  return acc;
}
BENCH_ENTRY(128)
