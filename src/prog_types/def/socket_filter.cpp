// BPF_PROG_TYPE_SOCKET_FILTER: which packets a socket receives, and how much of them. Loadable without
// privilege.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr SkbView kView = skb_view(
    {"tc_classid", "data", "data_end", "data_meta", "tstamp", "wire_len", "hwtstamp"}, false, {"cb"});
constexpr auto kGrants = kSkFilter;

const ProgTypeEntry kEntries[] = {{{
    .type = 1,
    .name = "socket_filter",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = kView.span(),
    .traits = kLdAbsAllowed | kUnprivileged | kNoSpinLock,
    .grants = kGrants,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_socket_filter() {
  return kEntries;
}

}  // namespace osmia::prog_types
