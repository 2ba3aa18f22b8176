// nf_flow_table: flows that bypass the stack. Sources: net/netfilter/nf_flow_table_bpf.c,
// include/net/netfilter/nf_flow_table.h.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"nf_flow_table", "bpf_xdp_flow_lookup", R"(
struct bpf_flowtable_opts { s32 error; };
struct flow_ports { __be16 source; __be16 dest; };
struct flow_offload_tuple {
  union { struct in_addr src_v4; struct in6_addr src_v6; };
  union { struct in_addr dst_v4; struct in6_addr dst_v6; };
  struct { __be16 src_port; __be16 dst_port; };
  int iifidx;
  u8 l3proto;
  u8 l4proto;
  struct { u16 id; __be16 proto; } encap[2];
  struct { } __hash;
  u8 dir:2, xmit_type:3, encap_num:2, in_vlan_ingress:2;
  u16 mtu;
  union {
    struct { struct dst_entry *dst_cache; u32 dst_cookie; };
    struct { u32 ifidx; u32 hw_ifidx; u8 h_source[6]; u8 h_dest[6]; } out;
    struct { u32 iifidx; } tc;
  };
};
struct flow_offload_tuple_rhash { struct rhash_head node; struct flow_offload_tuple tuple; };
struct flow_offload_tuple_rhash *bpf_xdp_flow_lookup(struct xdp_md *ctx, struct bpf_fib_lookup *fib_tuple,
    struct bpf_flowtable_opts *opts, u32 opts_len);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_nf_flow_table() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
