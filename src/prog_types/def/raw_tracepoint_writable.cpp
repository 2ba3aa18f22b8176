// BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: tracepoints whose first argument is a buffer that the program may
// change.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 8, .type = {RegBase::kTpBuffer}, .name = "buffer"},
};
constexpr auto kGrants = join(std::array{Grant{"raw_tp"}, Grant{"tracing_cookie"}}, kTracing);

const ProgTypeEntry kEntries[] = {{{
    .type = 24,
    .name = "raw_tracepoint_writable",
    .ctx_name = "bpf_raw_tracepoint_args",
    .kern_ctx_name = "u64",
    .ctx_model = CtxModel::kRawArgs,
    .ctx_size = 96,
    .fields = kFields,
    .traits = kTracingRules | kNeedsPerfmon,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_raw_tracepoint_writable() {
  return kEntries;
}

}  // namespace osmia::prog_types
