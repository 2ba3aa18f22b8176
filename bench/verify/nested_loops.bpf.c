/* Bounded loops in loops: every iteration is walked, and little of it can be pruned. */
#include "verify.h"
SEC("socket") int nested_loops(struct __sk_buff *skb) {
  u64 a = skb->len, sum = 0;
  for (u32 i = 0; i < 200; i++)
    for (u32 j = 0; j < 200; j++) {
      sum += a * j;
      if (sum & 1) a += i;
    }
  return (int)sum;
}
