// Context accesses, which are rewritten before they are compiled; and a second program beside.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tc")
int first(struct __sk_buff* skb) {
  return skb->priority > 5;
}

SEC("tc")
int only_tc(struct __sk_buff* skb) {
  skb->mark = skb->len * 3;
  return 0;
}

char _license[] SEC("license") = "GPL";
