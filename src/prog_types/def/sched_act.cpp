// BPF_PROG_TYPE_SCHED_ACT: actions of traffic control; all but its name is shared with sched_cls.
#include "prog_types/prog_type.h"
#include "prog_types/tc.h"

namespace osmia::prog_types {
using namespace contract;
namespace {

const ProgTypeEntry kEntries[] = {{{
    .type = 4,
    .name = "sched_act",
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

std::span<const ProgTypeEntry> def_sched_act() {
  return kEntries;
}

}  // namespace osmia::prog_types
