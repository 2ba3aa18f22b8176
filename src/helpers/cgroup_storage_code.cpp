// The storage that a run's control group holds for a program: made by whoever runs it, one of each kind.
#include "helpers/code.h"
#include "host/run_context.h"
#include "maps/map.h"

namespace osmia::helpers::code {

u64 get_local_storage(u64 map, u64, u64, u64, u64) {
  const auto* m = reinterpret_cast<const maps::Map*>(map);
  return host::run_context().cgroup_storage[m->info().def->traits & contract::kMapPercpu ? 1 : 0];
}

}  // namespace osmia::helpers::code
