// Exceptions: thrown in the program, in a subprogram, in a callback of a loop; with and without a callback of their own.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

extern void bpf_throw(__u64 cookie) __ksym;

#define __exception_cb(name) __attribute__((btf_decl_tag("exception_callback:" #name)))

__noinline int handler(__u64 cookie) {
  return cookie + 1000;
}

static __noinline int deep(struct __sk_buff* skb) {
  if (skb->len > 100) bpf_throw(skb->len);
  return 7;
}
static __noinline int middle(struct __sk_buff* skb) {
  volatile int ret = deep(skb);
  return ret + 1;
}

static long step(__u32 i, void* ctx) {
  __u64* seen = ctx;
  *seen += 1;
  if (i == 5) bpf_throw(*seen * 10);
  return 0;
}

SEC("tc")
int plain(struct __sk_buff* skb) {
  if (skb->len > 80) bpf_throw(skb->len);
  return 1;
}

SEC("tc")
__exception_cb(handler) int handled(struct __sk_buff* skb) {
  if (skb->len > 80) bpf_throw(3);
  return 2;
}

SEC("tc")
int from_subprogram(struct __sk_buff* skb) {
  return middle(skb) + 1;
}

SEC("tc")
__exception_cb(handler) int from_callback(struct __sk_buff* skb) {
  __u64 seen = 0;
  bpf_loop(skb->len > 100 ? 10 : 3, step, &seen, 0);
  return seen;
}

char _license[] SEC("license") = "GPL";
