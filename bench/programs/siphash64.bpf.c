#include "bench.h"
/* SipHash-2-4 of 16 keys of 16 bytes: 64-bit rotates and adds, four live words */
#define ROUND { v0 += v1; v1 = rol64(v1, 13); v1 ^= v0; v0 = rol64(v0, 32); v2 += v3; v3 = rol64(v3, 16); v3 ^= v2; \
                v0 += v3; v3 = rol64(v3, 21); v3 ^= v0; v2 += v1; v1 = rol64(v1, 17); v1 ^= v2; v2 = rol64(v2, 32); }
INLINE u64 bench(u8 *d, u8 *end) {
  u64 k0 = ld64(d), k1 = ld64(d + 8), acc = 0;
  for (u32 i = 0; i < 256; i += 16) {
    u64 v0 = k0 ^ 0x736f6d6570736575ull, v1 = k1 ^ 0x646f72616e646f6dull, v2 = k0 ^ 0x6c7967656e657261ull,
        v3 = k1 ^ 0x7465646279746573ull, m = ld64(d + 16 + i);
    v3 ^= m; ROUND ROUND v0 ^= m;
    m = ld64(d + 24 + i);
    v3 ^= m; ROUND ROUND v0 ^= m;
    m = 16ull << 56;
    v3 ^= m; ROUND ROUND v0 ^= m;
    v2 ^= 0xff; ROUND ROUND ROUND ROUND
    acc = acc * 3 + (v0 ^ v1 ^ v2 ^ v3);
  }
  return acc;
}
BENCH_ENTRY(320)
