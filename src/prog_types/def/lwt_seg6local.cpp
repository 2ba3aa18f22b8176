// BPF_PROG_TYPE_LWT_SEG6LOCAL: segment routing of IPv6 packets.
#include "prog_types/lwt.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(std::array{Grant{"lwt_seg6"}}, kLwt);

const ProgTypeEntry kEntries[] = {{{
    .type = 19,
    .name = "lwt_seg6local",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = lwt::kView.span(),
    .traits = kDirectPacketRead | kNeedsNetAdmin,
    .grants = kGrants,
    .codes = lwt::kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_lwt_seg6local() {
  return kEntries;
}

}  // namespace osmia::prog_types
