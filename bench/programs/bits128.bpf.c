#include "bench.h"
/* population count, parity and bit reversal of 128 words by masks: 64-bit constants, shifts */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 acc = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 128; i++) {
    u64 x = ld64(d + 8 * i), y = x;
    x = x - (x >> 1 & 0x5555555555555555ull);
    x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
    x = (x + (x >> 4) & 0x0f0f0f0f0f0f0f0full) * 0x0101010101010101ull >> 56;
    y = (y & 0x5555555555555555ull) << 1 | (y >> 1 & 0x5555555555555555ull);
    y = (y & 0x3333333333333333ull) << 2 | (y >> 2 & 0x3333333333333333ull);
    acc = acc * 5 + (x ^ be64(d + 8 * i) ^ y);
  }
  return acc ^ acc >> 32;
}
BENCH_ENTRY(1024)
