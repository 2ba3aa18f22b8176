// A number is a base, twice the system call's number plus one, and one more for the way out; 0 and 1 stand
// for the tracepoints of all calls.
#include "syscall/tracepoint_events.h"

#include <linux/perf_event.h>

#include "syscall/fds.h"
#include "syscall/system_call_names.h"
#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {

constexpr u32 kBase = 0x4f53'0000;
constexpr std::string_view kAll = "raw_syscalls/sys_", kOne = "syscalls/sys_";
constexpr std::string_view kWays[] = {"enter", "exit"};

}  // namespace

std::string_view system_call_name(long number) {
  for (const auto& c : kSystemCalls)
    if (c.number == number) return c.name;
  return {};
}

u32 tracepoint_event(std::string_view name) {
  for (u32 way = 0; way < 2; way++) {
    if (name.starts_with(kAll) && name.substr(kAll.size()) == kWays[way]) return kBase + way;
    const std::string head = std::string(kOne) + std::string(kWays[way]) + "_";
    if (!name.starts_with(head)) continue;
    for (const auto& c : kSystemCalls)
      if (c.name == name.substr(head.size())) return kBase + 2 + 2 * static_cast<u32>(c.number) + way;
  }
  return 0;
}

std::string tracepoint_event_name(u32 id) {
  if (id < kBase || id >= kBase + 2 + 2 * 1024) return {};
  const u32 n = id - kBase;
  const std::string way(kWays[n % 2]);
  if (n < 2) return std::string(kAll) + way;
  const std::string_view call = system_call_name(static_cast<long>(n / 2 - 1));
  return call.empty() ? std::string() : std::string(kOne) + way + "_" + std::string(call);
}

u32 tracepoint_event_of(const void* attr) {
  perf_event_attr a{};
  if (copy_from_user(&a, reinterpret_cast<u64>(attr), PERF_ATTR_SIZE_VER0)) return 0;
  if (a.type != PERF_TYPE_TRACEPOINT || a.config > 0xffffffff) return 0;
  const u32 id = static_cast<u32>(a.config);
  return tracepoint_event_name(id).empty() ? 0 : id;
}

long open_tracepoint_event(u32 id) {
  Fd entry;
  entry.tracepoint_event = id;
  return FdTable::instance().install(std::move(entry));
}

}  // namespace osmia::syscall
