// BPF_PROG_TYPE_TRACEPOINT: static tracepoints; the context is the event record after its first eight bytes.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants =
    join(std::array{Grant{"tp_event_output"}, Grant{"tp_stack"}, Grant{"trace_cookie"}}, kTracing);

const ProgTypeEntry kEntries[] = {{{
    .type = 5,
    .name = "tracepoint",
    .ctx_name = "__u64",
    .kern_ctx_name = "u64",
    .ctx_model = CtxModel::kBytes,
    .ctx_size = 8192,  // PERF_MAX_TRACE_SIZE
    .ctx_first = 8,    // the pointer before it is the kernel's
    .traits = kTracingRules | kNeedsPerfmon,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_tracepoint() {
  return kEntries;
}

}  // namespace osmia::prog_types
