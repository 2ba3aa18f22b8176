// BPF_PROG_TYPE_LSM: decisions of the Linux security modules. Return ranges follow the hook.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(
    std::array{
        Grant{"cgroup_common", Capability::kNone, at(kLsmCgroup)},
        Grant{"retval", Capability::kNone, at(kLsmCgroup)},
        Grant{"lsm"},
        Grant{"sk_storage"},
        Grant{"task_storage"},
        Grant{"lsm_cookie", Capability::kNone, at(kLsmMac)},
        Grant{"sk_sockopt", Capability::kNone, at(kLsmCgroup), "locked_sockopt"},
        Grant{"unlocked_sockopt", Capability::kNone, at(kLsmCgroup), "unlocked_sockopt"},
    },
    kBtfTracing);
// A control group's program votes 0 or 1; at a hook that returns nothing it must return 1.
constexpr ReturnRange kReturns[] = {
    {.attach_type = kLsmCgroup, .min = 0, .max = 1, .is64 = true, .by_hook = true},
    {.is64 = false, .by_hook = true},
};

const ProgTypeEntry kEntries[] = {{{
    .type = 29,
    .name = "lsm",
    .ctx_model = CtxModel::kTracingArgs,
    .ctx_size = 96,
    .traits = kNeedsPerfmon | kNeedsAttachBtf | kMayBeSleepable | kVoidReturnOk | kGplOnlyProg,
    .grants = kGrants,
    .returns = kReturns,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_lsm() {
  return kEntries;
}

}  // namespace osmia::prog_types
