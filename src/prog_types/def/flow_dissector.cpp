// BPF_PROG_TYPE_FLOW_DISSECTOR: finds addresses and ports of a packet for the kernel; sees the packet and the
// keys that it fills in, nothing else.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"
#include "prog_types/skb_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
consteval SkbView dissector_view() {
  SkbView view;
  for (const CtxField& f : skb::kAll)
    if (f.name == "data" || f.name == "data_end" || f.name == "flow_keys") view.fields[view.count++] = f;
  return view;
}
constexpr SkbView kView = dissector_view();
constexpr auto kGrants = join(std::array{Grant{"flow_dissector"}}, kSockBase);
constexpr NamedCode kCodes[] = {{0, "BPF_OK"}, {2, "BPF_DROP"}, {129, "BPF_FLOW_DISSECTOR_CONTINUE"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 22,
    .name = "flow_dissector",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "bpf_flow_dissector",
    .ctx_size = kSkbSize,
    .fields = kView.span(),
    .traits = kDirectPacketRead | kNeedsNetAdmin,
    .grants = kGrants,
    .codes = kCodes,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_flow_dissector() {
  return kEntries;
}

}  // namespace osmia::prog_types
