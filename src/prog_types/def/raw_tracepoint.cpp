// BPF_PROG_TYPE_RAW_TRACEPOINT: tracepoints with their raw arguments.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(std::array{Grant{"raw_tp"}, Grant{"tracing_cookie"}}, kTracing);

const ProgTypeEntry kEntries[] = {{{
    .type = 17,
    .name = "raw_tracepoint",
    .ctx_name = "bpf_raw_tracepoint_args",
    .kern_ctx_name = "u64",
    .ctx_model = CtxModel::kRawArgs,
    .ctx_size = 96,  // twelve arguments
    .traits = kTracingRules | kNeedsPerfmon,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_raw_tracepoint() {
  return kEntries;
}

}  // namespace osmia::prog_types
