#include "bench.h"
/* base64 decoding of 1024 characters by ranges: compares and selects, three bytes out of four */
INLINE u32 value(u32 c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : 63;
}
INLINE u64 bench(u8 *d, u8 *end) {
  u64 acc = 0;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 1024; i++) {
    acc = (acc << 6) + value(d[i]) + (acc >> 41);
  }
  return acc ^ acc >> 32;
}
BENCH_ENTRY(1024)
