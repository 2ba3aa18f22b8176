#include "bench.h"
/* CRC-32 of 256 bytes, four bits at a time from a table on the stack */
INLINE u64 bench(u8 *d, u8 *end) {
  u32 table[16], crc = ~0u;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 16; i++) {
    u32 v = i;
    for (u32 b = 0; b < 4; b++) v = v >> 1 ^ (v & 1 ? 0xedb88320u : 0);
    table[i] = v;
  }
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 256; i++) {
    crc ^= d[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return (u32)~crc;
}
BENCH_ENTRY(256)
