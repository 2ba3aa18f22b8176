// Tunnels: FOU encapsulation and XFRM.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::kTc;
constexpr auto kTypes2 = hook::kXdp;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_skb_get_fou_encap",
      .flags = 0,
      .prog_types = kTypes1,
      .set = "fou_kfunc_set",
      .module = "fou"}},
    {{.name = "bpf_skb_set_fou_encap",
      .flags = 0,
      .prog_types = kTypes1,
      .set = "fou_kfunc_set",
      .module = "fou"}},
    {{.name = "bpf_skb_get_xfrm_info",
      .flags = 0,
      .prog_types = kTypes1,
      .set = "xfrm_ifc_kfunc_set",
      .module = "xfrm_interface"}},
    {{.name = "bpf_skb_set_xfrm_info",
      .flags = 0,
      .prog_types = kTypes1,
      .set = "xfrm_ifc_kfunc_set",
      .module = "xfrm_interface"}},
    {{.name = "bpf_xdp_get_xfrm_state",
      .flags = kKfRetNull | kKfAcquire,
      .prog_types = kTypes2,
      .set = "xfrm_state_kfunc_set"}},
    {{.name = "bpf_xdp_xfrm_state_release",
      .flags = kKfRelease,
      .prog_types = kTypes2,
      .set = "xfrm_state_kfunc_set"}},
};
}  // namespace

std::span<const KfuncEntry> def_tunnel() {
  return kEntries;
}

}  // namespace osmia::kfuncs
