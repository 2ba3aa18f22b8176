// bpf_perf_event_output's last step, shared by contexts: the slot must exist and somebody must read it.
#pragma once
#include <cerrno>

#include "host/effects.h"
#include "host/run_context.h"
#include "maps/map.h"

namespace osmia::helpers::code {

inline u64 event_output(u64 map, u64 flags, std::span<const u8> record) {
  constexpr u64 kIndexMask = 0xffffffff, kThisCpu = 0xffffffff;
  const u64 index = (flags & kIndexMask) == kThisCpu ? host::current_cpu() : flags & kIndexMask;
  if (index >= reinterpret_cast<maps::Map*>(map)->max_entries()) return static_cast<u64>(s64{-E2BIG});
  return static_cast<u64>(host::event_output(map, static_cast<u32>(index), record));
}

}  // namespace osmia::helpers::code
