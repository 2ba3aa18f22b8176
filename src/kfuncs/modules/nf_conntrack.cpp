// nf_conntrack: connections and their entries. Sources: net/netfilter/nf_conntrack_bpf.c,
// include/net/netfilter/nf_conntrack.h, nf_conntrack_tuple.h. What each protocol keeps is left opaque.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"nf_conntrack", "bpf_skb_ct_lookup", R"(
struct bpf_ct_opts {
  s32 netns_id; s32 error; u8 l4proto; u8 dir; u16 ct_zone_id; u8 ct_zone_dir; u8 reserved[3];
};
union nf_inet_addr { __u32 all[4]; __be32 ip; __be32 ip6[4]; struct in_addr in; struct in6_addr in6; };
union nf_conntrack_man_proto {
  __be16 all;
  struct { __be16 port; } tcp;
  struct { __be16 port; } udp;
  struct { __be16 id; } icmp;
  struct { __be16 port; } dccp;
  struct { __be16 port; } sctp;
  struct { __be16 key; } gre;
};
struct nf_conntrack { refcount_t use; };
struct nf_conntrack_zone { u16 id; u8 flags; u8 dir; };
struct nf_conntrack_man { union nf_inet_addr u3; union nf_conntrack_man_proto u; u_int16_t l3num; };
struct nf_conntrack_tuple {
  struct nf_conntrack_man src;
  struct {
    union nf_inet_addr u3;
    union {
      __be16 all;
      struct { __be16 port; } tcp;
      struct { __be16 port; } udp;
      struct { u_int8_t type; u_int8_t code; } icmp;
      struct { __be16 port; } dccp;
      struct { __be16 port; } sctp;
      struct { __be16 key; } gre;
    } u;
    u_int8_t protonum;
    struct { } __nfct_hash_offsetend;
    u_int8_t dir;
  } dst;
};
struct nf_conntrack_tuple_hash { struct hlist_nulls_node hnnode; struct nf_conntrack_tuple tuple; };
union nf_conntrack_proto { u64 opaque[8]; };
struct nf_conn {
  struct nf_conntrack ct_general;
  spinlock_t lock;
  u32 timeout;
  struct nf_conntrack_zone zone;
  struct nf_conntrack_tuple_hash tuplehash[2];
  unsigned long status;
  possible_net_t ct_net;
  struct hlist_node nat_bysource;
  struct { } __nfct_init_offset;
  void *master;
  u_int32_t mark;
  u_int32_t secmark;
  void *ext;
  union nf_conntrack_proto proto;
};
struct nf_conn___init { struct nf_conn ct; };

struct nf_conn___init *bpf_xdp_ct_alloc(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz);
struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *xdp_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz);
struct nf_conn___init *bpf_skb_ct_alloc(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz);
struct nf_conn *bpf_skb_ct_lookup(struct __sk_buff *skb_ctx, struct bpf_sock_tuple *bpf_tuple,
    u32 tuple__sz, struct bpf_ct_opts *opts, u32 opts__sz);
struct nf_conn *bpf_ct_insert_entry(struct nf_conn___init *nfct_i);
void bpf_ct_release(struct nf_conn *nfct);
void bpf_ct_set_timeout(struct nf_conn___init *nfct, u32 timeout);
int bpf_ct_change_timeout(struct nf_conn *nfct, u32 timeout);
int bpf_ct_set_status(const struct nf_conn___init *nfct, u32 status);
int bpf_ct_change_status(struct nf_conn *nfct, u32 status);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_nf_conntrack() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
