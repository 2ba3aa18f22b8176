// Sending a socket buffer elsewhere: redirection, tunnels, routes.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 13,
      .name = "bpf_clone_redirect",
      .args = {ctx, any, any},
      .effects = kChangesPacketData,
      .tag = "skb_redirect"},
     code::skb_clone_redirect},
    {{.id = 23, .name = "bpf_redirect", .args = {any, any}, .tag = "skb_redirect"}, code::skb_redirect},
    {{.id = 20, .name = "bpf_skb_get_tunnel_key", .args = {ctx, mem_out, size, any}, .tag = "skb_tunnel"},
     code::skb_get_tunnel_key},
    {{.id = 21, .name = "bpf_skb_set_tunnel_key", .args = {ctx, mem_in, size, any}, .tag = "skb_tunnel"},
     code::skb_set_tunnel_key},
    {{.id = 29, .name = "bpf_skb_get_tunnel_opt", .args = {ctx, mem_out, size}, .tag = "skb_tunnel"},
     code::skb_get_tunnel_opt},
    {{.id = 30, .name = "bpf_skb_set_tunnel_opt", .args = {ctx, mem_in, size}, .tag = "skb_tunnel"},
     code::skb_set_tunnel_opt},
    {{.id = 155, .name = "bpf_redirect_peer", .args = {any, any}, .tag = "tc"}, code::skb_redirect_peer},
    {{.id = 152, .name = "bpf_redirect_neigh", .args = {any, mem_in_or_null, size0, any}, .tag = "tc"},
     code::skb_redirect_neigh},
    {{.id = 69, .name = "bpf_fib_lookup", .args = {ctx, mem, size, any}, .gpl_only = true, .tag = "tc"},
     code::skb_fib_lookup},
    {{.id = 163,
      .name = "bpf_check_mtu",
      .args = {ctx, any, fixed_mem(4, kWrite | kAligned), any, any},
      .gpl_only = true,
      .tag = "tc"},
     code::skb_check_mtu},
    {{.id = 124, .name = "bpf_sk_assign", .args = {ctx, any_sock, any}, .tag = "tc"},
     code::skb_assign_socket},
};
}  // namespace

std::span<const HelperEntry> def_skb_forward() {
  return kEntries;
}

}  // namespace osmia::helpers
