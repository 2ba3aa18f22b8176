/* Bubble sort of 64 numbers in a stack array; clang makes a counter and a pointer that walks along of the inner loop. */
#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(n) __attribute__((section(n), used))
typedef __u32 u32;
typedef __s64 s64;
typedef __u64 u64;

SEC("xdp") int bubble_sort(struct xdp_md *ctx) {
  u32 *d = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, a[64];
  u32 acc = 0;
  if (d + 64 > end) return -1;
#pragma clang loop unroll(disable) vectorize(disable)
  for (u32 i = 0; i < 64; i++) a[i] = d[i];
#pragma clang loop unroll(disable)
  for (u32 n = 63; n > 0; n--)
#pragma clang loop unroll(disable)
    for (u32 j = 0; j < n; j++) {
      u64 x = a[j], y = a[j + 1];
      if ((s64)(y - x) < 0) {
        a[j] = y;
        a[j + 1] = x;
      }
    }
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 64; i++) acc = acc * 3 + a[i];
  return acc;
}
char _license[] SEC("license") = "GPL";
