// Cookies and owners of sockets, for each kind of context.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 46, .name = "bpf_get_socket_cookie", .args = {ctx}, .tag = "skb_socket"},
     code::skb_socket_cookie},
    {{.id = 47, .name = "bpf_get_socket_uid", .args = {ctx}, .tag = "skb_socket"}, code::skb_socket_uid},
    {{.id = 46, .name = "bpf_get_socket_cookie", .args = {ctx}, .tag = "sock_addr"}},
    {{.id = 122, .name = "bpf_get_netns_cookie", .args = {ctx_or_null}, .tag = "sock_addr"}},
    {{.id = 46, .name = "bpf_get_socket_cookie", .args = {ctx}, .tag = "cgroup_sock"}},
    {{.id = 122, .name = "bpf_get_netns_cookie", .args = {ctx_or_null}, .tag = "cgroup_sock"}},
    {{.id = 46, .name = "bpf_get_socket_cookie", .args = {ctx}, .tag = "sock_ops"}},
    {{.id = 122, .name = "bpf_get_netns_cookie", .args = {ctx_or_null}, .tag = "sock_ops"}},
    {{.id = 122, .name = "bpf_get_netns_cookie", .args = {ctx_or_null}, .tag = "sk_msg"}},
    {{.id = 122, .name = "bpf_get_netns_cookie", .args = {ctx_or_null}, .tag = "sockopt"}},
    {{.id = 46, .name = "bpf_get_socket_cookie", .args = {any_sock_or_null}, .tag = "socket_ptr_cookie"},
     code::socket_cookie},
};
}  // namespace

std::span<const HelperEntry> def_sock_identity() {
  return kEntries;
}

}  // namespace osmia::helpers
