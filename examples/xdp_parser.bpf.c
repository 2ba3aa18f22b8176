// A protocol census: walks VLAN tags (also stacked), IPv4 with options, IPv6 with extension headers, and TCP, UDP,
// ICMP; counts packets and bytes per (protocols, VLAN, port class) and keeps a histogram of packet sizes. Every packet
// passes; what cannot be parsed to its end is XDP_ABORTED, so that a test-run shows it.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define MAX_VLANS 2
#define MAX_EXTENSIONS 6
#define SIZE_BUCKETS 12

struct vlan_tag {
  __be16 tci;
  __be16 next;
};

struct icmp_start {
  __u8 type;
  __u8 code;
  __be16 checksum;
};

struct kind {
  __u16 ethertype;
  __u8 l4;
  __u8 icmp_type;  // ICMP and ICMPv6
  __u16 vlan;      // innermost VLAN id, 0 without
  __u16 service;   // the lower port of TCP and UDP
};

struct total {
  __u64 packets;
  __u64 bytes;
  __u32 tcp_syn;
  __u32 tcp_fin_rst;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct kind);
  __type(value, struct total);
} census SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, SIZE_BUCKETS);
  __type(key, __u32);
  __type(value, __u64);
} sizes SEC(".maps");

struct cursor {
  void* pos;
  void* end;
};

static __always_inline void* take(struct cursor* c, __u64 bytes) {
  void* here = c->pos;
  if (here + bytes > c->end) return 0;
  c->pos = here + bytes;
  return here;
}

static __always_inline void count_size(__u64 bytes) {
  __u32 bucket = 0;
#pragma unroll
  for (int i = 0; i < SIZE_BUCKETS - 1; i++)
    if (bytes >> (i + 6)) bucket = i + 1;  // bucket n: 2^(n+5) up to 2^(n+6) bytes
  __u64* slot = bpf_map_lookup_elem(&sizes, &bucket);
  if (slot) __sync_fetch_and_add(slot, 1);
}

// The layer-4 protocol behind IPv6's extension headers, or -1.
static __always_inline int skip_extensions(struct cursor* c, __u8 next) {
  for (int i = 0; i < MAX_EXTENSIONS; i++) {
    struct {
      __u8 next;
      __u8 length;  // in 8-byte units, without the first
    }* ext;
    switch (next) {
      case IPPROTO_HOPOPTS:
      case IPPROTO_ROUTING:
      case IPPROTO_DSTOPTS:
        ext = take(c, 8);
        if (!ext) return -1;
        next = ext->next;
        if (!take(c, ext->length * 8)) return -1;
        break;
      case IPPROTO_FRAGMENT:
        ext = take(c, 8);
        if (!ext) return -1;
        next = ext->next;
        break;
      default:
        return next;
    }
  }
  return -1;
}

SEC("xdp")
int parser(struct xdp_md* ctx) {
  struct cursor c = {(void*)(long)ctx->data, (void*)(long)ctx->data_end};
  __u64 bytes = c.end - c.pos;
  struct kind k = {};
  struct total add = {.packets = 1, .bytes = bytes};

  count_size(bytes);
  struct ethhdr* eth = take(&c, sizeof(*eth));
  if (!eth) return XDP_ABORTED;
  __be16 proto = eth->h_proto;
  for (int i = 0; i < MAX_VLANS; i++) {
    if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD)) break;
    struct vlan_tag* tag = take(&c, sizeof(*tag));
    if (!tag) return XDP_ABORTED;
    k.vlan = bpf_ntohs(tag->tci) & 0xfff;
    proto = tag->next;
  }
  k.ethertype = bpf_ntohs(proto);

  if (proto == bpf_htons(ETH_P_IP)) {
    struct iphdr* ip = take(&c, sizeof(*ip));
    if (!ip || ip->ihl < 5) return XDP_ABORTED;
    k.l4 = ip->protocol;
    if (!take(&c, (ip->ihl - 5) * 4)) return XDP_ABORTED;
  } else if (proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* ip = take(&c, sizeof(*ip));
    if (!ip) return XDP_ABORTED;
    int l4 = skip_extensions(&c, ip->nexthdr);
    if (l4 < 0) return XDP_ABORTED;
    k.l4 = l4;
  }

  if (k.l4 == IPPROTO_TCP) {
    struct tcphdr* tcp = take(&c, sizeof(*tcp));
    if (!tcp) return XDP_ABORTED;
    __u16 s = bpf_ntohs(tcp->source), d = bpf_ntohs(tcp->dest);
    k.service = s < d ? s : d;
    add.tcp_syn = tcp->syn;
    add.tcp_fin_rst = tcp->fin || tcp->rst;
  } else if (k.l4 == IPPROTO_UDP) {
    struct udphdr* udp = take(&c, sizeof(*udp));
    if (!udp) return XDP_ABORTED;
    __u16 s = bpf_ntohs(udp->source), d = bpf_ntohs(udp->dest);
    k.service = s < d ? s : d;
  } else if (k.l4 == IPPROTO_ICMP || k.l4 == IPPROTO_ICMPV6) {
    struct icmp_start* icmp = take(&c, sizeof(*icmp));
    if (!icmp) return XDP_ABORTED;
    k.icmp_type = icmp->type;
  }

  struct total* t = bpf_map_lookup_elem(&census, &k);
  if (t) {
    __sync_fetch_and_add(&t->packets, 1);
    __sync_fetch_and_add(&t->bytes, bytes);
    __sync_fetch_and_add(&t->tcp_syn, add.tcp_syn);
    __sync_fetch_and_add(&t->tcp_fin_rst, add.tcp_fin_rst);
  } else {
    bpf_map_update_elem(&census, &k, &add, BPF_ANY);
  }
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
