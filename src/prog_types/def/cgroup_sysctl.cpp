// BPF_PROG_TYPE_CGROUP_SYSCTL: a task of a control group reads or writes a sysctl.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "write"},
    {.offset = 4, .size = 4, .access = kCtxRead | kCtxNarrowRead | kCtxWrite, .name = "file_pos"},
};
constexpr auto kGrants =
    join(kCgroupCommon, kCgroupCurrent,
         std::array{Grant{"sysctl"}, Grant{"coarse_time"}, Grant{"event_output"}}, kBase);
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};

const ProgTypeEntry kEntries[] = {{{
    .type = 23,
    .name = "cgroup_sysctl",
    .ctx_name = "bpf_sysctl",
    .kern_ctx_name = "bpf_sysctl_kern",
    .ctx_size = 8,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_sysctl() {
  return kEntries;
}

}  // namespace osmia::prog_types
