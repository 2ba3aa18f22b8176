// Statistics of control groups.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::kTracing;

const KfuncEntry kEntries[] = {
    {{.name = "cgroup_rstat_flush",
      .flags = kKfSleepable,
      .prog_types = kTypes,
      .set = "bpf_rstat_kfunc_ids"}},
    {{.name = "cgroup_rstat_updated", .flags = 0, .prog_types = kTypes, .set = "bpf_rstat_kfunc_ids"}},
};
}  // namespace

std::span<const KfuncEntry> def_rstat() {
  return kEntries;
}

}  // namespace osmia::kfuncs
