// BPF_PROG_TYPE_LWT_XMIT: packets about to be sent through a lightweight tunnel; the only one of its kind
// that may change them.
#include "prog_types/lwt.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants =
    join(std::array{Grant{"lwt_xmit"}, Grant{"skb_pull"}, Grant{"skb_tunnel"}, Grant{"skb_redirect"},
                    Grant{"skb_resize"}, Grant{"skb_store"}, Grant{"skb_csum"}, Grant{"skb_hash"}},
         kLwt);

const ProgTypeEntry kEntries[] = {{{
    .type = 12,
    .name = "lwt_xmit",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = lwt::kView.span(),
    .traits = kDirectPacketRead | kDirectPacketWrite | kNeedsNetAdmin | kSeenDirectWrite,
    .grants = kGrants,
    .codes = lwt::kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_lwt_xmit() {
  return kEntries;
}

}  // namespace osmia::prog_types
