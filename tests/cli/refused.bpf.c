// One program that the verifier refuses beside one that it takes.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int reads_too_far(struct xdp_md* ctx) {
  return *(volatile __u32*)(long)ctx->data;
}

SEC("xdp")
int passes(struct xdp_md* ctx) {
  return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
