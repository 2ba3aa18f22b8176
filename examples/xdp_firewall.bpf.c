// A 5-tuple firewall for XDP, IPv4 and IPv6. A packet is dropped if a rule matches it: rules live in the hash map
// `blocklist`, whose key may leave fields at zero to mean "any" (the lookup tries the useful combinations), and a
// short list of ports lives in `blocked_ports`. A few rules are compiled in (.rodata), so that the program does
// something without a control plane. Every verdict is counted per CPU, by verdict and protocol.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// A flow, or a rule that stands for many flows: zero means "any". IPv4 addresses are in saddr[3] and daddr[3].
struct flow {
  __u32 saddr[4];
  __u32 daddr[4];
  __u16 sport;
  __u16 dport;
  __u8 proto;
  __u8 family;  // 4 or 6
  __u16 pad;
};

struct rule_stats {
  __u64 packets;
  __u64 bytes;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1024);
  __type(key, struct flow);
  __type(value, struct rule_stats);
} blocklist SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 256);
  __type(key, __u16);  // destination port, host order
  __type(value, __u64);
} blocked_ports SEC(".maps");

enum verdict_row { PASSED, DROPPED_RULE, DROPPED_PORT, DROPPED_DEFAULT, MALFORMED, NOT_IP, VERDICT_ROWS };
enum proto_row { PROTO_TCP, PROTO_UDP, PROTO_ICMP, PROTO_OTHER, PROTO_ROWS };

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, VERDICT_ROWS * PROTO_ROWS);
  __type(key, __u32);
  __type(value, struct rule_stats);
} verdicts SEC(".maps");

struct default_rule {
  __u8 proto;
  __u8 family;  // 0 is either
  __u16 dport;
};

#define DEFAULT_RULES 4

// Compiled-in rules; a loader may overwrite them before the program is loaded.
const volatile struct default_rule default_rules[DEFAULT_RULES] = {
    {IPPROTO_UDP, 4, 5353},
    {IPPROTO_TCP, 0, 8081},
};
const volatile bool drop_malformed = true;

__u64 packets_seen;                 // .bss
__u32 longest_packet = ETH_ZLEN;    // .data

static __always_inline void count(__u32 verdict, __u8 proto, __u64 bytes) {
  __u32 row = PROTO_OTHER;
  if (proto == IPPROTO_TCP)
    row = PROTO_TCP;
  else if (proto == IPPROTO_UDP)
    row = PROTO_UDP;
  else if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
    row = PROTO_ICMP;
  __u32 key = verdict * PROTO_ROWS + row;
  struct rule_stats* s = bpf_map_lookup_elem(&verdicts, &key);
  if (s) {
    s->packets++;
    s->bytes += bytes;
  }
}

static __always_inline bool rule_hit(const struct flow* rule, __u64 bytes) {
  struct rule_stats* s = bpf_map_lookup_elem(&blocklist, rule);
  if (!s) return false;
  __sync_fetch_and_add(&s->packets, 1);
  __sync_fetch_and_add(&s->bytes, bytes);
  return true;
}

// Exact flow, then any source port, then source address alone, then destination service alone.
static __noinline int blocked(struct flow* f, __u64 bytes) {
  if (!f) return 0;
  if (rule_hit(f, bytes)) return 1;
  struct flow rule = *f;
  rule.sport = 0;
  if (rule_hit(&rule, bytes)) return 1;

  struct flow source = {.family = f->family};
  __builtin_memcpy(source.saddr, f->saddr, sizeof(source.saddr));
  if (rule_hit(&source, bytes)) return 1;

  struct flow service = {.family = f->family, .proto = f->proto, .dport = f->dport};
  __builtin_memcpy(service.daddr, f->daddr, sizeof(service.daddr));
  return rule_hit(&service, bytes);
}

static __always_inline bool default_blocked(const struct flow* f) {
  for (int i = 0; i < DEFAULT_RULES; i++) {
    const volatile struct default_rule* r = &default_rules[i];
    if (!r->proto) break;
    if (r->proto == f->proto && (!r->family || r->family == f->family) && r->dport == bpf_ntohs(f->dport)) return true;
  }
  return false;
}

// Fills the flow from the headers: 0, or -1 for a packet that ends too early, or 1 for what is not IP.
static __always_inline int parse(void* data, void* end, struct flow* f) {
  struct ethhdr* eth = data;
  if ((void*)(eth + 1) > end) return -1;
  void* l4;
  if (eth->h_proto == bpf_htons(ETH_P_IP)) {
    struct iphdr* ip = (void*)(eth + 1);
    if ((void*)(ip + 1) > end || ip->ihl < 5) return -1;
    f->family = 4;
    f->proto = ip->protocol;
    f->saddr[3] = ip->saddr;
    f->daddr[3] = ip->daddr;
    if (ip->frag_off & bpf_htons(0x1fff)) return 0;  // a later fragment has no ports
    l4 = (void*)ip + ip->ihl * 4;
  } else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
    struct ipv6hdr* ip = (void*)(eth + 1);
    if ((void*)(ip + 1) > end) return -1;
    f->family = 6;
    f->proto = ip->nexthdr;
    __builtin_memcpy(f->saddr, &ip->saddr, sizeof(f->saddr));
    __builtin_memcpy(f->daddr, &ip->daddr, sizeof(f->daddr));
    l4 = ip + 1;
  } else {
    return 1;
  }
  if (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP) {
    __be16* ports = l4;  // both start with source and destination port
    if ((void*)(ports + 2) > end) return -1;
    f->sport = ports[0];
    f->dport = ports[1];
  }
  return 0;
}

SEC("xdp")
int firewall(struct xdp_md* ctx) {
  void* data = (void*)(long)ctx->data;
  void* end = (void*)(long)ctx->data_end;
  __u64 bytes = end - data;
  struct flow f = {};

  __sync_fetch_and_add(&packets_seen, 1);
  if (bytes > longest_packet) longest_packet = bytes;

  int kind = parse(data, end, &f);
  if (kind > 0) {
    count(NOT_IP, 0, bytes);
    return XDP_PASS;
  }
  if (kind < 0) {
    count(MALFORMED, f.proto, bytes);
    return drop_malformed ? XDP_DROP : XDP_PASS;
  }
  if (blocked(&f, bytes)) {
    count(DROPPED_RULE, f.proto, bytes);
    return XDP_DROP;
  }
  __u16 port = bpf_ntohs(f.dport);
  __u64* hits = bpf_map_lookup_elem(&blocked_ports, &port);
  if (hits) {
    __sync_fetch_and_add(hits, 1);
    count(DROPPED_PORT, f.proto, bytes);
    return XDP_DROP;
  }
  if (default_blocked(&f)) {
    count(DROPPED_DEFAULT, f.proto, bytes);
    return XDP_DROP;
  }
  count(PASSED, f.proto, bytes);
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
