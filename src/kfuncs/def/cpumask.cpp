// Sets of processors.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/code.h"
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::join(hook::kTracing, hook::kStructOps, hook::kSyscall);

const KfuncEntry kEntries[] = {
    {{.name = "bpf_cpumask_acquire",
      .flags = kKfAcquire | kKfTrustedArgs,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::object_acquire},
    {{.name = "bpf_cpumask_and", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_and},
    {{.name = "bpf_cpumask_any_and_distribute",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_any_and},
    {{.name = "bpf_cpumask_any_distribute",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_any},
    {{.name = "bpf_cpumask_clear", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_clear},
    {{.name = "bpf_cpumask_clear_cpu", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_clear_cpu},
    {{.name = "bpf_cpumask_copy", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_copy},
    {{.name = "bpf_cpumask_create",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_create},
    {{.name = "bpf_cpumask_empty", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_empty},
    {{.name = "bpf_cpumask_equal", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_equal},
    {{.name = "bpf_cpumask_first", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_first},
    {{.name = "bpf_cpumask_first_and", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_first_and},
    {{.name = "bpf_cpumask_first_zero",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_first_zero},
    {{.name = "bpf_cpumask_full", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_full},
    {{.name = "bpf_cpumask_intersects",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_intersects},
    {{.name = "bpf_cpumask_or", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_or},
    {{.name = "bpf_cpumask_release",
      .flags = kKfRelease,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::object_release},
    {{.name = "bpf_cpumask_set_cpu", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_set_cpu},
    {{.name = "bpf_cpumask_setall", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_setall},
    {{.name = "bpf_cpumask_subset", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_subset},
    {{.name = "bpf_cpumask_test_and_clear_cpu",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_test_and_clear_cpu},
    {{.name = "bpf_cpumask_test_and_set_cpu",
      .flags = kKfRcu,
      .prog_types = kTypes,
      .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_test_and_set_cpu},
    {{.name = "bpf_cpumask_test_cpu", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_test_cpu},
    {{.name = "bpf_cpumask_weight", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_weight},
    {{.name = "bpf_cpumask_xor", .flags = kKfRcu, .prog_types = kTypes, .set = "cpumask_kfunc_btf_ids"},
     code::cpumask_xor},
};
}  // namespace

std::span<const KfuncEntry> def_cpumask() {
  return kEntries;
}

}  // namespace osmia::kfuncs
