// BPF_PROG_TYPE_SK_SKB: parses and directs the stream of a socket in a socket map.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr SkbView kView = skb_view({"tc_classid", "data_meta", "tstamp", "wire_len", "hwtstamp", "mark"},
                                   true, {"tc_index", "priority"});
// The connection's control block belongs to the parser: cb stays readable only.
constexpr auto kGrants =
    join(std::array{Grant{"sk_skb"}, Grant{"skb_store"}, Grant{"skb_load"}, Grant{"skb_socket"},
                    Grant{"skb_event_output"}, Grant{"sk_lookup_skb"}, Grant{"sk_release"}},
         kSockBase);
constexpr NamedCode kCodes[] = {{0, "SK_DROP"}, {1, "SK_PASS"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 14,
    .name = "sk_skb",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = kView.span(),
    .traits = kDirectPacketRead | kDirectPacketWrite | kNeedsNetAdmin | kSeenDirectWrite,
    .grants = kGrants,
    .codes = kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sk_skb() {
  return kEntries;
}

}  // namespace osmia::prog_types
