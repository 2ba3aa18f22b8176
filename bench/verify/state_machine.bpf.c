/* A lexer over packet bytes: 64 unrolled steps, each leaving several live states that only partly merge. */
#include "verify.h"
SEC("tc") int state_machine(struct __sk_buff *skb) {
  u8 *d = (u8 *)(long)skb->data, *end = (u8 *)(long)skb->data_end;
  u32 state = 0, words = 0, numbers = 0, quoted = 0;
  if (d + 64 > end) return 0;
#pragma clang loop unroll(full)
  for (u32 i = 0; i < 64; i++) {
    u8 c = d[i];
    switch (state) {
    case 0:
      if (c == '"') state = 3;
      else if (c >= '0' && c <= '9') state = 2, numbers++;
      else if (c > ' ') state = 1, words++;
      break;
    case 1:
      if (c <= ' ') state = 0;
      else if (c == '"') state = 3;
      break;
    case 2:
      if (c < '0' || c > '9') state = c > ' ';
      break;
    case 3:
      quoted++;
      if (c == '\\') state = 4;
      else if (c == '"') state = 0;
      break;
    case 4: state = 3; break;
    }
    asm volatile("" : "+r"(state));
    if (state > 4) return 1;
  }
  return words + numbers * 3 + quoted;
}
