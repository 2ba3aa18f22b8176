// BPF_PROG_TYPE_KPROBE: probes on kernel and user functions, one or many at once; the context is the
// registers.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(
    std::array{
        Grant{.tag = "kprobe_sleepable", .sleep = Sleep::kOnlySleepable},
        Grant{"kprobe"},
        Grant{"kprobe_multi", Capability::kNone, at(kTraceKprobeMulti, kTraceKprobeSession)},
        Grant{"uprobe_multi", Capability::kNone, at(kTraceUprobeMulti)},
        Grant{"kprobe_ip"},
        Grant{"trace_cookie"},
    },
    kTracing);
constexpr ReturnRange kReturns[] = {
    {.attach_type = kTraceKprobeSession, .min = 0, .max = 1, .is64 = true},
    {.checked = false},
};

const ProgTypeEntry kEntries[] = {{{
    .type = 2,
    .name = "kprobe",
    .ctx_name = "bpf_user_pt_regs_t",
    .kern_ctx_name = "pt_regs",
    .ctx_model = CtxModel::kBytes,
    .ctx_size = 168,  // struct pt_regs of x86-64
    .traits = kTracingRules | kNeedsPerfmon | kMayBeSleepable | kSleepsIfUprobe,
    .grants = kGrants,
    .returns = kReturns,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_kprobe() {
  return kEntries;
}

}  // namespace osmia::prog_types
