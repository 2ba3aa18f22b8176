// The rule of prog_owner.h.
#include "maps/prog_owner.h"

#include <linux/bpf.h>

namespace osmia::maps {
namespace {

// Types whose context is what their target's arguments make it.
bool context_by_target(u32 type) {
  return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM || type == BPF_PROG_TYPE_EXT ||
         type == BPF_PROG_TYPE_STRUCT_OPS;
}

}  // namespace

bool ProgOwner::admit(const ProgObject& p, bool jumps) {
  std::lock_guard lock(mutex_);
  if (!set_) {
    set_ = true;
    type_ = p.prog_type(), attach_ = p.attach_type(), frags_ = p.has_frags(), target_ = p.attach_target();
    for (const bool percpu : {false, true}) storage_[percpu] = p.cgroup_storage(percpu);
    return true;
  }
  if (type_ != p.prog_type() || frags_ != p.has_frags()) return false;
  if (jumps && attach_ != p.attach_type()) return false;
  for (const bool percpu : {false, true}) {
    const u32 storage = p.cgroup_storage(percpu);
    // One without a storage may follow, unless it goes on to others that have one.
    if (storage_[percpu] != storage && (storage || p.tail_calls())) return false;
  }
  return !context_by_target(type_) || target_ == p.attach_target();
}

}  // namespace osmia::maps
