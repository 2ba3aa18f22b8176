// Files: paths, extended attributes, integrity digests. Security hooks only.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::types("lsm");

const KfuncEntry kEntries[] = {
    {{.name = "bpf_get_dentry_xattr",
      .flags = kKfSleepable | kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "bpf_fs_kfunc_set_ids"}},
    {{.name = "bpf_get_file_xattr",
      .flags = kKfSleepable | kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "bpf_fs_kfunc_set_ids"}},
    {{.name = "bpf_get_task_exe_file",
      .flags = kKfAcquire | kKfTrustedArgs | kKfRetNull,
      .prog_types = kTypes1,
      .set = "bpf_fs_kfunc_set_ids"}},
    {{.name = "bpf_path_d_path",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "bpf_fs_kfunc_set_ids"}},
    {{.name = "bpf_put_file", .flags = kKfRelease, .prog_types = kTypes1, .set = "bpf_fs_kfunc_set_ids"}},
    {{.name = "bpf_get_fsverity_digest",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes1,
      .set = "fsverity_set_ids"}},
};
}  // namespace

std::span<const KfuncEntry> def_fs() {
  return kEntries;
}

}  // namespace osmia::kfuncs
