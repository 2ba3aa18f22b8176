// BPF_PROG_TYPE_PERF_EVENT: samples of a perf event.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 168, .name = "regs", .elem = 8},
    {.offset = 168, .size = 8, .access = kCtxRead | kCtxNarrowRead, .name = "sample_period"},
    {.offset = 176, .size = 8, .access = kCtxRead | kCtxNarrowRead, .name = "addr"},
};
constexpr auto kGrants = join(std::array{Grant{"perf_event"}, Grant{"tp_event_output"}}, kTracing);

const ProgTypeEntry kEntries[] = {{{
    .type = 7,
    .name = "perf_event",
    .ctx_name = "bpf_perf_event_data",
    .kern_ctx_name = "bpf_perf_event_data_kern",
    .ctx_size = 184,
    .fields = kFields,
    .traits = kTracingRules | kNeedsPerfmon,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_perf_event() {
  return kEntries;
}

}  // namespace osmia::prog_types
