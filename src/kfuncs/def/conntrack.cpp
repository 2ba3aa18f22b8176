// Connection tracking: entries, NAT, flow tables.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/code.h"
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::join(hook::kXdp, hook::kTc);
constexpr auto kTypes2 = hook::kXdp;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_ct_change_status",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_ct_change_timeout",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_ct_insert_entry",
      .flags = kKfAcquire | kKfRetNull | kKfRelease,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_ct_release",
      .flags = kKfRelease,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"},
     code::object_release},
    {{.name = "bpf_ct_set_status",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_ct_set_timeout",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_skb_ct_alloc",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_skb_ct_lookup",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"},
     code::ct_lookup},
    {{.name = "bpf_xdp_ct_alloc",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"}},
    {{.name = "bpf_xdp_ct_lookup",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes1,
      .set = "nf_ct_kfunc_set",
      .module = "nf_conntrack"},
     code::ct_lookup},
    {{.name = "bpf_ct_set_nat_info",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "nf_nat_kfunc_set",
      .module = "nf_nat"}},
    {{.name = "bpf_xdp_flow_lookup",
      .flags = kKfTrustedArgs | kKfRetNull,
      .prog_types = kTypes2,
      .set = "nf_ft_kfunc_set",
      .module = "nf_flow_table"}},
};
}  // namespace

std::span<const KfuncEntry> def_conntrack() {
  return kEntries;
}

}  // namespace osmia::kfuncs
