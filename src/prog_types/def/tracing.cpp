// BPF_PROG_TYPE_TRACING: entry, exit and return value of kernel functions and BPF programs, BTF tracepoints,
// iterators.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants =
    join(std::array{Grant{"task_storage", Capability::kNone, at(kTraceIter)}}, kBtfTracing);
constexpr ReturnRange kReturns[] = {
    {.attach_type = kTraceFentry, .min = 0, .max = 0, .is64 = true},
    {.attach_type = kTraceFexit, .min = 0, .max = 0, .is64 = true},
    {.attach_type = kTraceIter, .min = 0, .max = 1, .is64 = true},
    {.checked = false},
};

const ProgTypeEntry kEntries[] = {{{
    .type = 26,
    .name = "tracing",
    .ctx_model = CtxModel::kTracingArgs,
    .ctx_size = 96,
    .traits = kNeedsPerfmon | kNeedsAttachBtf | kMayBeSleepable,
    .grants = kGrants,
    .returns = kReturns,
    .sockmap = {.update = true, .erase = true, .attach_types = at(kTraceIter)},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_tracing() {
  return kEntries;
}

}  // namespace osmia::prog_types
