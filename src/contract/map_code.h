// What engines may call or inline for one live map, once a program's Facts say which map a call works on.
// Plain data, filled when the map is made and constant from then on. Invariant: whatever is given here does
// exactly what the helper of the same name does with this map; a null function means: call the helper.
#pragma once
#include "base/types.h"

namespace osmia::contract {

struct ArenaSpace;  // arena_space.h
using DirectFn = u64 (*)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5);

// Look-up that is arithmetic. With i = the 32-bit key:
//   i < count ? base + i * stride + (kPercpuArray ? cpu * cpu_stride : 0) : 0
// where cpu = host::current_cpu() of the running thread.
struct LookupInline {
  enum Kind : u8 { kNone, kArray, kPercpuArray } kind = kNone;
  u32 count = 0;   // max_entries
  u64 base = 0;    // host address of element 0 (of CPU 0)
  u64 stride = 0;  // bytes between elements; for kArray a multiple of 8
  u64 cpu_stride = 0;
};

// A program array's slots, for tail calls: `base` is the address of `count` atomic words, each null or the
// address of a maps::ProgObject that stays alive at least until the reader's RunScope ends.
struct SlotsInline {
  u64 base = 0;
  u32 count = 0;
};

struct MapCode {
  DirectFn lookup = nullptr;         // (map, key) -> value or 0
  DirectFn update = nullptr;         // (map, key, value, flags)
  DirectFn erase = nullptr;          // (map, key)
  DirectFn push = nullptr;           // (map, value, flags)
  DirectFn pop = nullptr;            // (map, value)
  DirectFn peek = nullptr;           // (map, value)
  DirectFn lookup_percpu = nullptr;  // (map, key, cpu)
  LookupInline inline_lookup;
  SlotsInline slots;
  const ArenaSpace* arena = nullptr;  // of an arena map; lives as long as the map

  // The function that stands for the helper of this number (BPF_FUNC_*) with this map, or null.
  constexpr DirectFn for_helper(u32 id) const {
    switch (id) {
      case 1: return lookup;
      case 2: return update;
      case 3: return erase;
      case 87: return push;
      case 88: return pop;
      case 89: return peek;
      case 195: return lookup_percpu;
      default: return nullptr;
    }
  }
};

}  // namespace osmia::contract
