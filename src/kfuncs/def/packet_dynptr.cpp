// Dynptrs over packets, and addresses of sockets.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/code.h"
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::join(hook::kTc, hook::kAct, hook::kSkSkb, hook::kSocketFilter, hook::kCgroup,
                                    hook::kLwt, hook::kNetfilter, hook::kTracing);
constexpr auto kTypes2 = hook::kXdp;
constexpr auto kTypes3 = hook::kCgroup;
constexpr auto kTypes4 = hook::kTc;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_dynptr_from_skb",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "bpf_kfunc_check_set_skb",
      .role = KfuncRole::kDynptrFromSkb},
     code::dynptr_from_skb},
    {{.name = "bpf_dynptr_from_xdp",
      .flags = 0,
      .prog_types = kTypes2,
      .set = "bpf_kfunc_check_set_xdp",
      .role = KfuncRole::kDynptrFromXdp},
     code::dynptr_from_xdp},
    {{.name = "bpf_sock_addr_set_sun_path",
      .flags = 0,
      .prog_types = kTypes3,
      .set = "bpf_kfunc_check_set_sock_addr"}},
    {{.name = "bpf_sk_assign_tcp_reqsk",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes4,
      .set = "bpf_kfunc_check_set_tcp_reqsk"},
     code::sk_assign_tcp_reqsk},
};
}  // namespace

std::span<const KfuncEntry> def_packet_dynptr() {
  return kEntries;
}

}  // namespace osmia::kfuncs
