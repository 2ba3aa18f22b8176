#include "bench.h"
/* a byte-code machine: 16-way dense switch on packet bytes, four accumulators */
INLINE u64 bench(u8 *d, u8 *end) {
  u64 a = ld64(d), b = ld64(d + 8), c = 1, e = 7;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 128; i++) {
    switch (d[16 + i] & 15) {
    case 0: a += b; break;
    case 1: b ^= c; break;
    case 2: c -= e; break;
    case 3: e = e * 5 + 1; break;
    case 4: a = rol64(a, 7); break;
    case 5: b += 0x9e3779b97f4a7c15ull; break;
    case 6: c ^= a >> 11; break;
    case 7: e += c << 3; break;
    case 8: a -= e; break;
    case 9: b = ~b; break;
    case 10: c += b & a; break;
    case 11: e ^= b | 1; break;
    case 12: a *= 3; break;
    case 13: b -= a >> 1; break;
    case 14: c = c << 1 ^ e; break;
    default: e += a ^ c; break;
    }
  }
  return a ^ b ^ c ^ e;
}
BENCH_ENTRY(256)
