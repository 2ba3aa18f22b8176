// bpf_find_vma: the area of a task's memory that holds an address, given to a callback.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/memory_area.h"
#include "interp/interp.h"

namespace osmia::helpers::code {

u64 find_vma(u64 task, u64 address, u64 callback, u64 context, u64 flags) {
  if (flags) return result(-EINVAL);
  const auto object = host::object_at(task, host::ObjectKind::kTask);
  if (!object) return result(-ENOENT);
  for (const auto& info : host::memory_areas(static_cast<const host::Task&>(*object).tgid)) {
    if (address < info.start || address >= info.end) continue;
    u64 mm = 0;
    if (const auto place = object->memory.find("mm"))
      mm = *reinterpret_cast<const u64*>(object->memory.bytes() + place->offset);
    const auto area = host::make_area(kernel_types(), info, mm);
    if (!area) return result(-ENOENT);
    interp::invoke(callback, task, area->address(), context);
    return 0;
  }
  return result(-ENOENT);
}

}  // namespace osmia::helpers::code
