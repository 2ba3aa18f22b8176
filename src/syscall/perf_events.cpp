// The attributes grow with the kernel: what is behind the part that is known here must be zero.
#include "syscall/perf_events.h"

#include <cerrno>

#include "maps/perf_event.h"
#include "syscall/call.h"
#include "syscall/fds.h"
#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {

long attributes(const void* from, perf_event_attr& to) {
  to = {};
  const u64 at = reinterpret_cast<u64>(from);
  if (const int e = copy_from_user(&to, at, PERF_ATTR_SIZE_VER0)) return e;
  const u32 size = to.size ? to.size : PERF_ATTR_SIZE_VER0;
  if (size < PERF_ATTR_SIZE_VER0) return -E2BIG;
  if (const int e = check_tail_zero(at, sizeof to, size)) return e;
  return copy_from_user(&to, at, size < sizeof to ? size : sizeof to);
}

}  // namespace

bool is_bpf_output_event(const void* attr) {
  perf_event_attr a;
  return attr && !attributes(attr, a) && maps::PerfEvent::is_bpf_output(a);
}

long open_perf_event(const void* attr, int pid, int cpu, int group_fd, unsigned long flags) {
  perf_event_attr a;
  if (const long e = attributes(attr, a)) return e;
  if (flags & ~static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))
    return fail(EINVAL, "perf_event_open: flags other than PERF_FLAG_FD_CLOEXEC");
  if (group_fd != -1) return fail(EINVAL, "perf_event_open: BPF output events are in no group");
  auto event = maps::PerfEvent::open(a, pid, cpu);
  if (!event.ok()) return fail(event.error().code, event.error().message);
  Fd entry;
  entry.perf_event = std::move(*event);
  return FdTable::instance().install(std::move(entry));
}

}  // namespace osmia::syscall
