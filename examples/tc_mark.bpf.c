// A tc classifier that marks packets for routing and queueing: interactive TCP (small, or to known ports) high, bulk
// low, the rest untouched; and limits nothing. The mark and the priority are fields of the context that a program of
// this type may write.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { MARK_INTERACTIVE = 0x10, MARK_BULK = 0x20 };

const volatile __u32 small_packet = 128;  // bytes

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 3);
  __type(key, __u32);
  __type(value, __u64);
} marked SEC(".maps");

SEC("tc")
int mark(struct __sk_buff* skb) {
  void* data = (void*)(long)skb->data;
  void* end = (void*)(long)skb->data_end;
  struct ethhdr* eth = data;
  struct iphdr* ip = (void*)(eth + 1);
  __u32 row = 0;

  if ((void*)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP)) return TC_ACT_UNSPEC;
  if (ip->protocol == IPPROTO_TCP && ip->ihl >= 5) {
    struct tcphdr* tcp = (void*)ip + ip->ihl * 4;
    if ((void*)(tcp + 1) > end) return TC_ACT_SHOT;
    if (tcp->dest == bpf_htons(22) || skb->len <= small_packet) {
      skb->mark = MARK_INTERACTIVE;
      skb->priority = 6;
      row = 1;
    } else {
      skb->mark = MARK_BULK;
      skb->priority = 2;
      row = 2;
    }
  }
  __u64* n = bpf_map_lookup_elem(&marked, &row);
  if (n) __sync_fetch_and_add(n, 1);
  return row ? TC_ACT_OK : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
