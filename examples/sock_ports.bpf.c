// A socket filter that lets through HTTP and DNS only, reading the packet relative to its network header,
// because a packet socket's filter may or may not see the Ethernet header before it. The return value is the number of bytes to keep: 0 drops the packet.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 64);
  __type(key, __u16);
  __type(value, __u64);
} ports SEC(".maps");

static __always_inline void seen(__u16 port) {
  __u64 one = 1;
  __u64* n = bpf_map_lookup_elem(&ports, &port);
  if (n)
    __sync_fetch_and_add(n, 1);
  else
    bpf_map_update_elem(&ports, &port, &one, BPF_NOEXIST);
}

static __always_inline int wanted(__u16 port) { return port == 80 || port == 8080 || port == 53 || port == 5354; }

SEC("socket")
int http_and_dns(struct __sk_buff* skb) {
  struct iphdr ip;
  __be16 port[2];

  if (skb->protocol != bpf_htons(ETH_P_IP)) return 0;
  if (bpf_skb_load_bytes_relative(skb, 0, &ip, sizeof(ip), BPF_HDR_START_NET)) return 0;
  if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP) return 0;
  if (bpf_skb_load_bytes_relative(skb, ip.ihl * 4, port, sizeof(port), BPF_HDR_START_NET)) return 0;
  __u16 source = bpf_ntohs(port[0]), dest = bpf_ntohs(port[1]);
  __u16 service = wanted(source) ? source : dest;
  if (!wanted(service)) return 0;
  seen(service);
  return 0xffff;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
