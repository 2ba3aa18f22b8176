// Open-coded iterators over tasks and control groups. Who is there is settled when the iterator is made; the
// objects that it gives stay until it is destroyed.
#include <cerrno>
#include <functional>

#include "helpers/running.h"
#include "host/cgroup.h"
#include "host/task.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

u64 error(int code) {
  return static_cast<u64>(static_cast<s64>(-code));
}

// What the first word of the program's iterator points to; null: there is nothing to give.
struct Walk {
  std::vector<u64> numbers;  // of tasks or groups
  size_t next = 0;
  bool tasks = false;
  std::vector<host::ObjectPtr> given;
};
Walk*& walk(u64 it) {
  return *reinterpret_cast<Walk**>(it);
}
void begin(u64 it, std::vector<u64> numbers, bool tasks) {
  walk(it) = new Walk{std::move(numbers), 0, tasks, {}};
}

}  // namespace

u64 object_iter_next(u64 it, u64, u64, u64, u64) {
  Walk* w = walk(it);
  const auto& types = helpers::code::kernel_types();
  while (w && w->next < w->numbers.size()) {
    const u64 n = w->numbers[w->next++];
    host::ObjectPtr object;
    if (w->tasks)
      object = host::task_of(types, static_cast<u32>(n));
    else
      object = host::cgroup_by_id(types, n);
    if (!object) continue;  // gone meanwhile
    w->given.push_back(object);
    return object->address();
  }
  return 0;
}
u64 object_iter_destroy(u64 it, u64, u64, u64, u64) {
  delete walk(it);
  walk(it) = nullptr;
  return 0;
}

u64 iter_task_new(u64 it, u64 task, u64 flags, u64, u64) {
  enum : u32 { kAllProcesses, kAllThreads, kThreadsOf };
  walk(it) = nullptr;
  std::vector<u64> numbers;
  const auto add = [&](const std::vector<u32>& ids) {
    numbers.insert(numbers.end(), ids.begin(), ids.end());
  };
  switch (static_cast<u32>(flags)) {
    case kAllProcesses: add(host::all_processes()); break;
    case kAllThreads:
      for (const u32 process : host::all_processes()) add(host::threads_of(process));
      break;
    case kThreadsOf: {
      const auto object = host::object_at(task, host::ObjectKind::kTask);
      if (!object) return error(EINVAL);
      add(host::threads_of(static_cast<const host::Task&>(*object).tgid));
      break;
    }
    default: return error(EINVAL);
  }
  begin(it, std::move(numbers), true);
  return 0;
}

// A cgroup_subsys_state of the unified hierarchy is the first member of its cgroup.
u64 iter_css_new(u64 it, u64 css, u64 flags, u64, u64) {
  enum : u32 { kDescendantsFirst = 2, kDescendantsPost = 3, kAncestors = 4 };  // BPF_CGROUP_ITER_*
  walk(it) = nullptr;
  const u32 how = static_cast<u32>(flags);
  if (how < kDescendantsFirst || how > kAncestors) return error(EINVAL);
  const auto object = host::object_at(css, host::ObjectKind::kCgroup);
  if (!object) return error(EINVAL);
  const auto& group = static_cast<const host::Cgroup&>(*object);
  std::vector<u64> numbers;
  if (how == kAncestors)
    numbers.assign(group.line.rbegin(), group.line.rend());
  else
    numbers = host::cgroup_tree(group.id(), how == kDescendantsFirst);
  begin(it, std::move(numbers), false);
  return 0;
}

u64 iter_css_task_new(u64 it, u64 css, u64 flags, u64, u64) {
  constexpr u32 kProcesses = 1, kThreaded = 2;  // CSS_TASK_ITER_*
  walk(it) = nullptr;
  const u32 how = static_cast<u32>(flags);
  if (how != 0 && how != kProcesses && how != (kProcesses | kThreaded)) return error(EINVAL);
  const auto object = host::object_at(css, host::ObjectKind::kCgroup);
  if (!object) return error(EINVAL);
  const auto members = host::cgroup_members(static_cast<const host::Cgroup&>(*object).id(), how == 0);
  begin(it, {members.begin(), members.end()}, true);
  return 0;
}

}  // namespace osmia::kfuncs::code
