// BPF_PROG_TYPE_SYSCALL: programs that a user runs once, to make system calls (loaders).
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants =
    join(std::array{Grant{"syscall"}, Grant{"syscall_perfmon", Capability::kPerfmon}}, kBtfTracing);
constexpr u32 kAttach[] = {0};

const ProgTypeEntry kEntries[] = {{{
    .type = 31,
    .name = "syscall",
    .ctx_model = CtxModel::kSyscall,
    .ctx_size = 65535,
    .traits = kMayBeSleepable | kMustSleep,
    .grants = kGrants,
    .attach_types = kAttach,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_syscall() {
  return kEntries;
}

}  // namespace osmia::prog_types
