// Small pieces of the creation checks that several types share. Numbers are Linux 6.12's on a 64-bit machine.
#pragma once
#include <linux/bpf.h>

#include "base/bits.h"
#include "maps/map.h"

namespace osmia::maps {

inline constexpr u32 kAccessFlags = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;
inline constexpr u64 kKmallocMax = 4ull << 20;  // KMALLOC_MAX_SIZE
inline constexpr u32 kPercpuMax = 32u << 10;    // PCPU_MIN_UNIT_SIZE
inline constexpr u32 kProgAccess = BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG;

inline Error bad(const char* what) {
  return {EINVAL, what};
}
inline bool prog_access_ok(u32 flags) {
  return (flags & kProgAccess) != kProgAccess;
}
inline bool numa_given(const MapAttr& a) {
  return a.map_flags & BPF_F_NUMA_NODE;
}
inline bool only_flags(const MapAttr& a, u32 allowed) {
  return !(a.map_flags & ~allowed);
}

// key type must be a plain 32-bit integer.
inline bool is_u32_key(btf::TypeView key) {
  return key.is(btf::Kind::kInt) && key.int_info().bits == 32 && key.int_info().offset == 0;
}

// get_next_key of maps whose keys are 0 … max_entries-1: the one behind `key` (null, or a number beyond: 0).
inline int next_index(const Map& m, const void* key, void* next) {
  const u32 i = key ? load_unaligned<u32>(key) : ~0u, n = m.max_entries();
  if (i < n && i == n - 1) return -ENOENT;
  store_unaligned<u32>(next, i >= n ? 0 : i + 1);
  return 0;
}

// The map behind inner_map_fd, fit to be a template. Errors: EBADF, EINVAL (not a map, or a map of maps),
// ENOTSUPP.
Result<MapPtr> inner_template(const MapAttr& a);
u64 machine_memory_slots();  // pointers that fit in the machine's memory

Status check_array(const MapAttr& a);  // array_map_alloc_check's rules, by a.type
Status check_fd_array(const MapAttr& a);
Status check_hash(const MapAttr& a);

// A map that programs are verified against but that stores nothing: element operations answer -EOPNOTSUPP.
Result<MapPtr> create_inert(const MapAttr& a);

}  // namespace osmia::maps
