// Tasks and control groups: references to them, and who is whose ancestor. Process ids are those that this
// process sees.
#include "helpers/running.h"
#include "host/cgroup.h"
#include "host/task.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

using host::ObjectKind;

u64 acquired(const std::shared_ptr<host::KernelObject>& object) {
  return object && host::acquire_object(object->address()) ? object->address() : 0;
}
std::shared_ptr<host::Cgroup> cgroup_at(u64 address) {
  return std::static_pointer_cast<host::Cgroup>(host::object_at(address, ObjectKind::kCgroup));
}

}  // namespace

u64 object_acquire(u64 object, u64, u64, u64, u64) {
  return host::acquire_object(object) ? object : 0;
}
u64 object_release(u64 object, u64, u64, u64, u64) {
  host::release_object(object);
  return 0;
}

u64 task_from_pid(u64 pid, u64, u64, u64, u64) {
  const s32 n = static_cast<s32>(pid);
  return n > 0 ? acquired(host::task_of(helpers::code::kernel_types(), static_cast<u32>(n))) : 0;
}

u64 task_under_cgroup(u64 task, u64 ancestor, u64, u64, u64) {
  const auto t = host::object_at(task, ObjectKind::kTask);
  const auto group = cgroup_at(ancestor);
  if (!t || !group) return 0;
  for (const u64 id : host::cgroup_line(static_cast<const host::Task&>(*t).tid()))
    if (id == group->id()) return 1;
  return 0;
}

u64 cgroup_ancestor(u64 cgroup, u64 level, u64, u64, u64) {
  const auto group = cgroup_at(cgroup);
  const s32 l = static_cast<s32>(level);
  if (!group || l < 0 || static_cast<size_t>(l) >= group->line.size()) return 0;
  std::shared_ptr<host::KernelObject> at = group;
  for (size_t up = group->line.size() - 1 - static_cast<size_t>(l); up && at; up--)
    at = at->others.empty() ? nullptr : at->others.front();
  return acquired(at);
}

u64 cgroup_from_id(u64 id, u64, u64, u64, u64) {
  return acquired(host::cgroup_by_id(helpers::code::kernel_types(), id));
}

}  // namespace osmia::kfuncs::code
