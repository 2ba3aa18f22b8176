// Pages of arenas.
#include "kfuncs/code.h"
#include "maps/arena.h"

namespace osmia::kfuncs::code {
namespace {

maps::ArenaMap* arena(u64 map) {
  return dynamic_cast<maps::ArenaMap*>(reinterpret_cast<maps::Map*>(map));
}

}  // namespace

u64 arena_alloc_pages(u64 map, u64 at, u64 pages, u64 node, u64 flags) {
  maps::ArenaMap* a = arena(map);
  return a && !flags && static_cast<u32>(pages)
             ? a->alloc_pages(at, static_cast<u32>(pages), static_cast<s32>(node))
             : 0;
}
u64 arena_free_pages(u64 map, u64 at, u64 pages, u64, u64) {
  maps::ArenaMap* a = arena(map);
  if (a && at && static_cast<u32>(pages)) a->free_pages(at, static_cast<u32>(pages));
  return 0;
}

}  // namespace osmia::kfuncs::code
