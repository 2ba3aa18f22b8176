// Some thousand instructions in a row.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define STEP(k) x = (x ^ (k)) * 0x9e3779b1u, y += x >> (k) % 31, x -= y << 3;
#define STEPS(k) STEP(k) STEP(k + 1) STEP(k + 2) STEP(k + 3) STEP(k + 4) STEP(k + 5) STEP(k + 6) STEP(k + 7)
#define MORE(k) STEPS(k) STEPS(k + 8) STEPS(k + 16) STEPS(k + 24) STEPS(k + 32) STEPS(k + 40) STEPS(k + 48)

SEC("xdp")
int long_one(struct xdp_md* ctx) {
  __u64 x = ctx->ingress_ifindex, y = ctx->rx_queue_index;
  MORE(1) MORE(71) MORE(133) MORE(205) MORE(301) MORE(410) MORE(512) MORE(620) MORE(711) MORE(808)
  return (x ^ y) & 3;
}

char _license[] SEC("license") = "GPL";
