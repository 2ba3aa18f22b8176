// BPF_PROG_TYPE_CGROUP_SKB: packets that enter or leave the sockets of a control group. Loadable without
// privilege, then without a view of the packet.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
consteval SkbView cgroup_view() {
  SkbView view =
      skb_view({"tc_classid", "data_meta", "wire_len"}, true, {"mark", "priority", "cb", "tstamp"});
  for (std::size_t i = 0; i < view.count; ++i) {
    CtxField& f = view.fields[i];
    if (f.name == "data" || f.name == "data_end") f.read_capability = Capability::kBpf;
    if (f.name == "tstamp") f.write_capability = Capability::kBpf;
  }
  return view;
}
constexpr SkbView kView = cgroup_view();
constexpr auto kGrants =
    join(std::array{Grant{"cgroup_common"}, Grant{"sk_fullsock"}, Grant{"sk_storage"},
                    Grant{"skb_cgroup_ids"}, Grant{"sk_cgroup_ids"}, Grant{"sk_lookup_skb"},
                    Grant{"sk_release"}, Grant{"tcp_sock"}, Grant{"listener"}, Grant{"ecn"}},
         kSkFilter);
// Egress may also ask for congestion notification (2, 3); such programs can then attach to egress only.
constexpr ReturnRange kReturns[] = {
    {.attach_type = kCgroupInetEgress, .min = 0, .max = 3, .is64 = true},
    {.min = 0, .max = 1, .is64 = true},
};
constexpr NamedCode kCodes[] = {{0, "drop"}, {1, "keep"}, {2, "drop, congested"}, {3, "keep, congested"}};
constexpr u32 kAttach[] = {kCgroupInetIngress, kCgroupInetEgress};

const ProgTypeEntry kEntries[] = {{{
    .type = 8,
    .name = "cgroup_skb",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = kView.span(),
    .traits = kDirectPacketRead | kUnprivileged,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
    .codes = kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_skb() {
  return kEntries;
}

}  // namespace osmia::prog_types
