// What the code of helpers and kfuncs asks about the program that runs.
#pragma once
#include "host/run_context.h"
#include "host/task.h"
#include "maps/map.h"

namespace osmia::helpers::code {

// The kernel types that the running program was verified against; null outside a run, or if there are none.
inline const btf::BtfPtr& kernel_types() {
  static const btf::BtfPtr none;
  const auto* p = static_cast<const maps::ProgObject*>(host::run_context().program);
  return p ? p->kernel_types : none;
}
inline host::Task* current_task() {
  return host::current_task(kernel_types());
}
inline u64 result(s64 v) {
  return static_cast<u64>(v);
}

}  // namespace osmia::helpers::code
