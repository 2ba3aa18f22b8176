// What the lightweight-tunnel types share: the view of the packet and the return codes.
#pragma once
#include "prog_types/grants.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types::lwt {
using namespace contract;

inline constexpr SkbView kView = skb_view({"tc_classid", "data_meta", "tstamp", "wire_len", "hwtstamp"},
                                          false, {"mark", "priority", "cb"});
inline constexpr NamedCode kCodes[] = {
    {0, "BPF_OK"}, {2, "BPF_DROP"}, {7, "BPF_REDIRECT"}, {128, "BPF_LWT_REROUTE"}};

}  // namespace osmia::prog_types::lwt
