// Kfuncs over maps that a program is given as struct bpf_map.
#include "kfuncs/code.h"
#include "maps/map_object.h"

namespace osmia::kfuncs::code {

u64 map_sum_elem_count(u64 map, u64, u64, u64, u64) {
  const maps::MapPtr m = maps::map_behind(map);
  return m ? static_cast<u64>(m->element_count()) : 0;
}

}  // namespace osmia::kfuncs::code
