#include "bench.h"
/* one ChaCha20 block: sixteen live words, far more than registers, 32-bit rotates */
#define QR(a, b, c, e) { a += b; e = rol32(e ^ a, 16); c += e; b = rol32(b ^ c, 12); \
                         a += b; e = rol32(e ^ a, 8); c += e; b = rol32(b ^ c, 7); }
INLINE u64 bench(u8 *d, u8 *end) {
  u32 a0 = ld32(d), a1 = ld32(d + 4), a2 = ld32(d + 8), a3 = ld32(d + 12), b0 = ld32(d + 16), b1 = ld32(d + 20),
      b2 = ld32(d + 24), b3 = ld32(d + 28), c0 = ld32(d + 32), c1 = ld32(d + 36), c2 = ld32(d + 40), c3 = ld32(d + 44),
      e0 = ld32(d + 48), e1 = ld32(d + 52), e2 = ld32(d + 56), e3 = ld32(d + 60);
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 10; i++) {
    QR(a0, b0, c0, e0) QR(a1, b1, c1, e1) QR(a2, b2, c2, e2) QR(a3, b3, c3, e3)
    QR(a0, b1, c2, e3) QR(a1, b2, c3, e0) QR(a2, b3, c0, e1) QR(a3, b0, c1, e2)
  }
  return (a0 ^ b0 ^ c0 ^ e0) + 3ull * (a1 ^ b1 ^ c1 ^ e1) + 5ull * (a2 ^ b2 ^ c2 ^ e2) + 7ull * (a3 ^ b3 ^ c3 ^ e3);
}
BENCH_ENTRY(64)
