// BPF_PROG_TYPE_LWT_IN: packets that arrive by a lightweight tunnel.
#include "prog_types/lwt.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(std::array{Grant{"lwt_in"}, Grant{"skb_pull"}}, kLwt);

const ProgTypeEntry kEntries[] = {{{
    .type = 10,
    .name = "lwt_in",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = lwt::kView.span(),
    .traits = kDirectPacketRead | kNeedsNetAdmin,
    .grants = kGrants,
    .codes = lwt::kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_lwt_in() {
  return kEntries;
}

}  // namespace osmia::prog_types
