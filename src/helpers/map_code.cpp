// Maps, loops over them, and locks in their values. Map arguments are the live map's address; the verifier
// proved the sizes of keys and values.
#include <cerrno>

#include "helpers/code.h"
#include "interp/interp.h"
#include "maps/map.h"
#include "maps/value.h"

namespace osmia::helpers::code {
namespace {

maps::Map& map_of(u64 r) {
  return *reinterpret_cast<maps::Map*>(r);
}
const void* in(u64 r) {
  return reinterpret_cast<const void*>(r);
}
void* out(u64 r) {
  return reinterpret_cast<void*>(r);
}
u64 ret(s64 v) {
  return static_cast<u64>(v);
}

constexpr u32 kMaxLoops = 8u << 20;  // BPF_MAX_LOOPS

}  // namespace

u64 map_lookup_elem(u64 map, u64 key, u64, u64, u64) {
  return reinterpret_cast<u64>(map_of(map).lookup(in(key)));
}
u64 map_update_elem(u64 map, u64 key, u64 value, u64 flags, u64) {
  return ret(map_of(map).update(in(key), in(value), flags));
}
u64 map_delete_elem(u64 map, u64 key, u64, u64, u64) {
  return ret(map_of(map).erase(in(key)));
}
u64 map_push_elem(u64 map, u64 value, u64 flags, u64, u64) {
  return ret(map_of(map).push(in(value), flags));
}
u64 map_pop_elem(u64 map, u64 value, u64, u64, u64) {
  return ret(map_of(map).pop(out(value)));
}
u64 map_peek_elem(u64 map, u64 value, u64, u64, u64) {
  return ret(map_of(map).peek(out(value)));
}
u64 map_lookup_percpu_elem(u64 map, u64 key, u64 cpu, u64, u64) {
  return reinterpret_cast<u64>(map_of(map).lookup_percpu(in(key), static_cast<u32>(cpu)));
}

u64 for_each_map_elem(u64 map, u64 callback, u64 ctx, u64 flags, u64) {
  return ret(map_of(map).for_each(
      [&](const void* key, void* value) {
        return interp::invoke(callback, map, reinterpret_cast<u64>(key), reinterpret_cast<u64>(value), ctx) !=
               0;
      },
      flags));
}

u64 loop(u64 rounds, u64 callback, u64 ctx, u64 flags, u64) {
  const u32 n = static_cast<u32>(rounds);
  if (flags) return ret(-EINVAL);
  if (n > kMaxLoops) return ret(-E2BIG);
  for (u32 i = 0; i < n; i++)
    if (interp::invoke(callback, i, ctx)) return i + 1;
  return n;
}

u64 spin_lock(u64 lock, u64, u64, u64, u64) {
  maps::lock_word(reinterpret_cast<u32*>(lock));
  return 0;
}
u64 spin_unlock(u64 lock, u64, u64, u64, u64) {
  maps::unlock_word(reinterpret_cast<u32*>(lock));
  return 0;
}

}  // namespace osmia::helpers::code
