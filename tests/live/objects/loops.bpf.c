// bpf_loop as rewriting meets it: rounds that a constant forbids, that the packet decides, that end early, and that nest.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 never = 0;

static long count(__u32 i, void* ctx) {
  __u64* sum = ctx;
  *sum += i + 1;
  return *sum > 40;
}

static long outer(__u32 i, void* ctx) {
  __u64 inner = 0;
  bpf_loop(i & 7, count, &inner, 0);
  *(__u64*)ctx += inner;
  return 0;
}

SEC("tc")
int no_rounds(struct __sk_buff* skb) {
  __u64 sum = 3;
  return bpf_loop(never, count, &sum, 0) * 100 + sum;
}

SEC("tc")
int by_length(struct __sk_buff* skb) {
  __u64 sum = 0;
  long rounds = bpf_loop(skb->len & 31, count, &sum, 0);
  return rounds * 1000 + sum;
}

SEC("tc")
int nested(struct __sk_buff* skb) {
  __u64 sum = 0;
  bpf_loop(skb->len & 15, outer, &sum, 0);
  return sum;
}

SEC("tc")
int too_many(struct __sk_buff* skb) {
  __u64 sum = 0;
  return bpf_loop((1 << 23) + 1 + (skb->len & 1), count, &sum, 0) + sum;
}

char _license[] SEC("license") = "GPL";
