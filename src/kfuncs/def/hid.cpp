// Human interface devices.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::kStructOps;
constexpr auto kTypes2 = hook::kSyscall;

const KfuncEntry kEntries[] = {
    {{.name = "hid_bpf_allocate_context",
      .flags = kKfAcquire | kKfRetNull | kKfSleepable,
      .prog_types = kTypes1,
      .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_get_data", .flags = kKfRetNull, .prog_types = kTypes1, .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_hw_output_report",
      .flags = kKfSleepable,
      .prog_types = kTypes1,
      .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_hw_request",
      .flags = kKfSleepable,
      .prog_types = kTypes1,
      .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_input_report",
      .flags = kKfSleepable,
      .prog_types = kTypes1,
      .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_release_context",
      .flags = kKfRelease | kKfSleepable,
      .prog_types = kTypes1,
      .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_try_input_report", .flags = 0, .prog_types = kTypes1, .set = "hid_bpf_kfunc_ids"}},
    {{.name = "hid_bpf_allocate_context",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes2,
      .set = "hid_bpf_syscall_kfunc_ids"}},
    {{.name = "hid_bpf_hw_output_report",
      .flags = 0,
      .prog_types = kTypes2,
      .set = "hid_bpf_syscall_kfunc_ids"}},
    {{.name = "hid_bpf_hw_request", .flags = 0, .prog_types = kTypes2, .set = "hid_bpf_syscall_kfunc_ids"}},
    {{.name = "hid_bpf_input_report", .flags = 0, .prog_types = kTypes2, .set = "hid_bpf_syscall_kfunc_ids"}},
    {{.name = "hid_bpf_release_context",
      .flags = kKfRelease,
      .prog_types = kTypes2,
      .set = "hid_bpf_syscall_kfunc_ids"}},
};
}  // namespace

std::span<const KfuncEntry> def_hid() {
  return kEntries;
}

}  // namespace osmia::kfuncs
