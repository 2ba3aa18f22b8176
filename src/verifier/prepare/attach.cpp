// What a tracing, LSM, extension or struct_ops program attaches to, and whether it may sleep there.
#include "btf/btf.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {


void check_attach_target(Env& env) {
  if (env.type->traits & contract::kAlwaysSleepable) {
    if (!env.prog_sleepable) env.reject(EINVAL, "Syscall programs can only be sleepable");
    return;
  }
  if (env.prog_sleepable && !(env.type->traits & contract::kMayBeSleepable))
    env.reject(EINVAL, "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
  if (!(env.type->traits & contract::kNeedsAttachBtf)) return;
  env.unsupported("attach targets");
}

}  // namespace osmia::verifier
