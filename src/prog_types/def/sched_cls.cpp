// BPF_PROG_TYPE_SCHED_CLS: classifiers of traffic control, TCX and netkit: what becomes of a packet at a
// network device.
#include "prog_types/prog_type.h"
#include "prog_types/tc.h"

namespace osmia::prog_types {
using namespace contract;
namespace {

const ProgTypeEntry kEntries[] = {{{
    .type = 3,
    .name = "sched_cls",
    .ctx_name = "__sk_buff",
    .kern_ctx_name = "sk_buff",
    .ctx_size = kSkbSize,
    .fields = tc::kView.span(),
    .traits = tc::kTraits,
    .grants = tc::kGrants,
    .codes = tc::kCodes,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sched_cls() {
  return kEntries;
}

}  // namespace osmia::prog_types
