// BPF_PROG_TYPE_CGROUP_DEVICE: may a control group use a device?
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "access_type"},
    {.offset = 4, .size = 4, .name = "major"},
    {.offset = 8, .size = 4, .name = "minor"},
};
constexpr auto kGrants = join(kCgroupCommon, kCgroupCurrent, std::array{Grant{"event_output"}}, kBase);
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};

const ProgTypeEntry kEntries[] = {{{
    .type = 15,
    .name = "cgroup_device",
    .ctx_name = "bpf_cgroup_dev_ctx",
    .kern_ctx_name = "bpf_cgroup_dev_ctx",
    .ctx_size = 12,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_device() {
  return kEntries;
}

}  // namespace osmia::prog_types
