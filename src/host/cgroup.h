// Control groups of the unified hierarchy: struct cgroup for directories of cgroup2. A machine without a
// mounted cgroup2 has the root alone, whose id is 1. Ids are inode numbers, as on Linux.
#pragma once
#include <string>
#include <vector>

#include "host/kernel_object.h"

namespace osmia::host {

class Cgroup final : public KernelObject {
 public:
  using KernelObject::KernelObject;
  u64 id() const { return key.number; }
  std::string name;       // of its directory
  std::vector<u64> line;  // ids from the root down to itself: line[level]
  bool under(u64 ancestor) const {
    for (const u64 id : line)
      if (id == ancestor) return true;
    return false;
  }
};

// The ids from the root down to the group that the thread is in; never empty.
std::vector<u64> cgroup_line(u32 tid);
std::vector<u64> own_cgroup_line();  // of the calling thread, remembered for a short while

// Null if the types have no struct cgroup.
std::shared_ptr<Cgroup> cgroup_of_task(const btf::BtfPtr& types, u32 tid);
std::shared_ptr<Cgroup> cgroup_by_id(const btf::BtfPtr& types, u64 id);  // null, too: there is none
// The group and all below it: parents before their children, or behind them.
std::vector<u64> cgroup_tree(u64 id, bool parents_first);
// Ids of its processes, or of its threads.
std::vector<u32> cgroup_members(u64 id, bool threads);

}  // namespace osmia::host
