// The same socket under another type.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 136,
      .name = "bpf_skc_to_tcp6_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "tcp6_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 137,
      .name = "bpf_skc_to_tcp_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "tcp_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 138,
      .name = "bpf_skc_to_tcp_timewait_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "tcp_timewait_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 139,
      .name = "bpf_skc_to_tcp_request_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "tcp_request_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 140,
      .name = "bpf_skc_to_udp6_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "udp6_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 178,
      .name = "bpf_skc_to_unix_sock",
      .args = {any_sock},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "unix_sock"},
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 196,
      .name = "bpf_skc_to_mptcp_sock",
      .args = {sock_common},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "mptcp_sock"},
      .effects = kAliasesArg,
      .tag = "sk_casts"},
     code::skc_cast},
    {{.id = 95,
      .name = "bpf_sk_fullsock",
      .args = {sock_common},
      .ret = {RetKind::kSocket, kMaybeNull},
      .effects = kAliasesArg,
      .tag = "sk_fullsock"},
     code::sk_fullsock},
    {{.id = 96,
      .name = "bpf_tcp_sock",
      .args = {sock_common},
      .ret = {RetKind::kTcpSock, kMaybeNull},
      .effects = kAliasesArg,
      .tag = "tcp_sock"},
     code::tcp_sock},
    {{.id = 98,
      .name = "bpf_get_listener_sock",
      .args = {sock_common},
      .ret = {RetKind::kSocket, kMaybeNull},
      .tag = "listener"},
     code::get_listener_sock},
    {{.id = 162,
      .name = "bpf_sock_from_file",
      .args = {btf("file")},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = "socket"},
      .tag = "sock_from_file"}},
};
}  // namespace

std::span<const HelperEntry> def_sock_cast() {
  return kEntries;
}

}  // namespace osmia::helpers
