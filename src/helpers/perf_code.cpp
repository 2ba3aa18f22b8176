// Counters behind perf event arrays: the machine's, read through the descriptor that user space stored.
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "maps/object_array.h"

namespace osmia::helpers::code {
namespace {

s64 read_counter(u64 map, u64 flags, maps::PerfCounter::Value& value) {
  constexpr u64 kIndexMask = 0xffffffff;  // BPF_F_INDEX_MASK; all ones = BPF_F_CURRENT_CPU
  auto& array = static_cast<maps::PerfEventArrayMap&>(*reinterpret_cast<maps::Map*>(map));
  if (flags & ~kIndexMask) return -EINVAL;
  const u64 index = flags == kIndexMask ? host::current_cpu() : flags;
  if (index >= array.max_entries()) return -E2BIG;
  const auto slot = array.at(static_cast<u32>(index));
  if (slot.counter) return slot.counter->read(value);
  return slot.output ? 0 : -ENOENT;  // an output event counts nothing
}

}  // namespace

u64 perf_event_read(u64 map, u64 flags, u64, u64, u64) {
  maps::PerfCounter::Value value;
  const s64 err = read_counter(map, flags, value);
  return err ? result(err) : value.counter;
}

u64 perf_event_read_value(u64 map, u64 flags, u64 out, u64 size, u64) {
  auto* to = reinterpret_cast<void*>(out);
  s64 err = -EINVAL;
  if (static_cast<u32>(size) == sizeof(bpf_perf_event_value)) {
    maps::PerfCounter::Value value;
    err = read_counter(map, flags, value);
    if (!err) {
      const bpf_perf_event_value v{value.counter, value.enabled, value.running};
      std::memcpy(to, &v, sizeof v);
      return 0;
    }
  }
  std::memset(to, 0, static_cast<u32>(size));
  return result(err);
}

}  // namespace osmia::helpers::code
