// The open-coded iterator over the memory areas of a task, as they were when it was made.
#include <cerrno>

#include "helpers/running.h"
#include "host/memory_area.h"
#include "host/task.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

struct Walk {
  std::vector<host::AreaInfo> areas;
  size_t next = 0;
  u64 mm = 0;
  host::ObjectPtr given;  // the program may use it until it asks for the next one
};
Walk*& walk(u64 it) {
  return *reinterpret_cast<Walk**>(it);
}

}  // namespace

u64 iter_task_vma_new(u64 it, u64 task, u64 address, u64, u64) {
  walk(it) = nullptr;
  const auto object = host::object_at(task, host::ObjectKind::kTask);
  const auto place = object ? object->memory.find("mm") : std::nullopt;
  const u64 mm = place ? *reinterpret_cast<const u64*>(object->memory.bytes() + place->offset) : 0;
  if (!mm) return static_cast<u64>(s64{-ENOENT});
  auto* w = new Walk;
  w->areas = host::memory_areas(static_cast<const host::Task&>(*object).tgid);
  w->mm = mm;
  while (w->next < w->areas.size() && w->areas[w->next].end <= address) w->next++;
  walk(it) = w;
  return 0;
}
u64 iter_task_vma_next(u64 it, u64, u64, u64, u64) {
  Walk* w = walk(it);
  if (!w || w->next >= w->areas.size()) return 0;
  w->given = host::make_area(helpers::code::kernel_types(), w->areas[w->next++], w->mm);
  return w->given ? w->given->address() : 0;
}
u64 iter_task_vma_destroy(u64 it, u64, u64, u64, u64) {
  delete walk(it);
  walk(it) = nullptr;
  return 0;
}

}  // namespace osmia::kfuncs::code
