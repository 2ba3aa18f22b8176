// Kernel types that a referenced kptr may hold, with the kfunc that lets such an object go (Linux 6.12's
// registrations).
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {

std::span<const contract::KptrDestructor> kptr_destructors() {
  static constexpr contract::KptrDestructor kAll[] = {
      {"task_struct", "bpf_task_release_dtor"},
      {"cgroup", "bpf_cgroup_release_dtor"},
      {"bpf_cpumask", "bpf_cpumask_release_dtor"},
      {"bpf_crypto_ctx", "bpf_crypto_ctx_release_dtor"},
      {"prog_test_ref_kfunc", "bpf_kfunc_call_test_release_dtor"},
      {"bpf_testmod_ctx", "bpf_testmod_ctx_release"},
      {"prog_test_member", "bpf_kfunc_call_memb_release_dtor"},
      {"bpf_testmod_ctx", "bpf_testmod_ctx_release"},
  };
  return kAll;
}

}  // namespace osmia::kfuncs
