// bpf_perf_event_output's last step, shared by contexts: the slot's event, else the host's sink.
#pragma once
#include <cerrno>

#include "host/effects.h"
#include "host/run_context.h"
#include "maps/object_array.h"

namespace osmia::helpers::code {

inline u64 event_output(u64 map, u64 flags, std::span<const u8> record) {
  constexpr u64 kIndexMask = 0xffffffff, kThisCpu = 0xffffffff;
  const u64 index = (flags & kIndexMask) == kThisCpu ? host::current_cpu() : flags & kIndexMask;
  auto& array = static_cast<maps::PerfEventArrayMap&>(*reinterpret_cast<maps::Map*>(map));
  if (index >= array.max_entries()) return static_cast<u64>(s64{-E2BIG});
  const auto slot = array.at(static_cast<u32>(index));
  if (slot.output) return static_cast<u64>(slot.output->output(host::current_cpu(), record));
  if (slot.counter) return static_cast<u64>(s64{-EINVAL});  // not an event for output
  return static_cast<u64>(host::event_output(map, static_cast<u32>(index), record));
}

}  // namespace osmia::helpers::code
