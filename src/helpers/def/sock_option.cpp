// Socket options and addresses, for each kind of context.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 49, .name = "bpf_setsockopt", .args = {any_sock, any, any, mem_in, size}, .tag = "sk_sockopt"},
     code::sk_setsockopt},
    {{.id = 57, .name = "bpf_getsockopt", .args = {any_sock, any, any, mem_out, size}, .tag = "sk_sockopt"},
     code::sk_getsockopt},
    {{.id = 49,
      .name = "bpf_setsockopt",
      .args = {any_sock, any, any, mem_in, size},
      .tag = "unlocked_sockopt"}},
    {{.id = 57,
      .name = "bpf_getsockopt",
      .args = {any_sock, any, any, mem_out, size},
      .tag = "unlocked_sockopt"}},
    {{.id = 49, .name = "bpf_setsockopt", .args = {ctx, any, any, mem_in, size}, .tag = "sock_addr_sockopt"},
     code::addr_setsockopt},
    {{.id = 57, .name = "bpf_getsockopt", .args = {ctx, any, any, mem_out, size}, .tag = "sock_addr_sockopt"},
     code::addr_getsockopt},
    {{.id = 49, .name = "bpf_setsockopt", .args = {ctx, any, any, mem_in, size}, .tag = "sock_ops"}},
    {{.id = 57, .name = "bpf_getsockopt", .args = {ctx, any, any, mem_out, size}, .tag = "sock_ops"}},
    {{.id = 59, .name = "bpf_sock_ops_cb_flags_set", .args = {ctx, any}, .tag = "sock_ops"}},
    {{.id = 142, .name = "bpf_load_hdr_opt", .args = {ctx, with(mem, kWrite), size, any}, .tag = "sock_ops"}},
    {{.id = 143,
      .name = "bpf_store_hdr_opt",
      .args = {ctx, mem_in, size, any},
      .effects = kChangesPacketData,
      .tag = "sock_ops"}},
    {{.id = 144, .name = "bpf_reserve_hdr_opt", .args = {ctx, any, any}, .tag = "sock_ops"}},
    {{.id = 64, .name = "bpf_bind", .args = {ctx, mem_in, size}, .tag = "bind"}, code::addr_bind},
    {{.id = 116, .name = "bpf_tcp_send_ack", .args = {btf("tcp_sock"), any}, .tag = "tcp_ca"}},
};
}  // namespace

std::span<const HelperEntry> def_sock_option() {
  return kEntries;
}

}  // namespace osmia::helpers
