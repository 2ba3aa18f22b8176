// The arena map's own operations, for the kfuncs that allocate and free its pages.
#pragma once
#include "contract/arena_space.h"
#include "maps/map.h"

namespace osmia::maps {

class ArenaMap : public Map {
 public:
  using Map::Map;
  // `pages` consecutive zeroed pages, at user address `at` or (0) where there is room first. The user address
  // of the first, or 0. node: a NUMA node that exists, or -1.
  virtual u64 alloc_pages(u64 at, u32 pages, s32 node) = 0;
  // Pages of the range that are there go; what lies outside the arena is ignored.
  virtual void free_pages(u64 at, u32 pages) = 0;
};

}  // namespace osmia::maps
