/* A byte-code machine: 512 steps, each a switch on a packet byte over four accumulators. */
#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(n) __attribute__((section(n), used))
#define STEPS 512

SEC("xdp") int run_bytecode(struct xdp_md *ctx) {
  unsigned char *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
  __u64 a = 1, b = 2, c = 3, d = 4;
  if (p + STEPS > end) return XDP_ABORTED;
  for (__u32 pc = 0; pc < STEPS; pc++) {
    switch (p[pc] & 31) {
      case 0: a += b; break;
      case 1: a -= c; break;
      case 2: a ^= d; break;
      case 3: a *= b; break;
      case 4: b += c; break;
      case 5: b -= d; break;
      case 6: b ^= a; break;
      case 7: b |= 1; break;
      case 8: c += d; break;
      case 9: c -= a; break;
      case 10: c ^= b; break;
      case 11: c = c << 7 | c >> 57; break;
      case 12: d += a; break;
      case 13: d -= b; break;
      case 14: d ^= c; break;
      case 15: d *= 0x9e3779b97f4a7c15ull; break;
      case 16: a = b; break;
      case 17: b = c; break;
      case 18: c = d; break;
      case 19: d = a; break;
      case 20: a = ~a; break;
      case 21: b = -b; break;
      case 22: c = ~c; break;
      case 23: d = -d; break;
      case 24: a >>= 1; break;
      case 25: b >>= 3; break;
      case 26: c <<= 1; break;
      case 27: d <<= 3; break;
      case 28: a += p[pc]; break;
      case 29: b += pc; break;
      case 30:
        if (a < b) c++;
        else d++;
        break;
      case 31:
        if (c == d) a = 1;
        break;
    }
  }
  return (int)(a ^ b ^ c ^ d);
}
char _license[] SEC("license") = "GPL";
