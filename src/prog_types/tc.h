// What the classifiers and actions of traffic control share: context, helpers, return codes.
// sched_cls and sched_act differ in number and name only.
#pragma once
#include "prog_types/grants.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types::tc {
using namespace contract;

consteval SkbView tc_view() {
  SkbView view =
      skb_view({}, false, {"mark", "tc_index", "priority", "tc_classid", "cb", "tstamp", "queue_mapping"});
  for (const CtxField& f : skb::kAll)
    if (f.name == "tstamp_type") view.fields[view.count++] = f;
  return view;
}
inline constexpr SkbView kView = tc_view();

inline constexpr auto kGrants = join(
    std::array{
        Grant{"tc"},
        Grant{"skb_store"},
        Grant{"skb_load"},
        Grant{"skb_load_relative"},
        Grant{"skb_pull"},
        Grant{"csum_diff"},
        Grant{"skb_csum"},
        Grant{"skb_redirect"},
        Grant{"skb_resize"},
        Grant{"skb_tunnel"},
        Grant{"skb_route"},
        Grant{"skb_hash"},
        Grant{"skb_event_output"},
        Grant{"smp_id"},
        Grant{"skb_socket"},
        Grant{"sk_fullsock"},
        Grant{"sk_storage"},
        Grant{"skb_cgroup_ids"},
        Grant{"sk_lookup_tc"},
        Grant{"sk_release"},
        Grant{"tcp_sock"},
        Grant{"listener"},
        Grant{"ecn"},
        Grant{"syncookie"},
    },
    kSockBase);

inline constexpr NamedCode kCodes[] = {
    {-1, "TC_ACT_UNSPEC"},  {0, "TC_ACT_OK"},     {1, "TC_ACT_RECLASSIFY"}, {2, "TC_ACT_SHOT"},
    {3, "TC_ACT_PIPE"},     {4, "TC_ACT_STOLEN"}, {5, "TC_ACT_QUEUED"},     {6, "TC_ACT_REPEAT"},
    {7, "TC_ACT_REDIRECT"}, {8, "TC_ACT_TRAP"},
};

inline constexpr u64 kTraits =
    kDirectPacketRead | kDirectPacketWrite | kLdAbsAllowed | kNeedsNetAdmin | kSeenDirectWrite;

}  // namespace osmia::prog_types::tc
