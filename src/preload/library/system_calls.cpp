// What the programs get: a struct pt_regs as the kernel has it at that point, or a tracepoint's record. Both
// live on the stack of the call.
#include "preload/library/system_calls.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string>

#include "host/run_context.h"
#include "preload/library/state.h"
#include "runtime/tracepoints.h"
#include "syscall/tracepoint_events.h"

#define OSMIA_EXPORT extern "C" __attribute__((visibility("default")))

namespace osmia::preload {
namespace {

constinit thread_local bool t_inside = false;

// struct pt_regs, as far as system calls fill it.
#if defined(__x86_64__)
struct Registers {
  u64 r15 = 0, r14 = 0, r13 = 0, r12 = 0, bp = 0, bx = 0, r11 = 0, r10, r9, r8, ax, cx = 0, dx, si, di,
      orig_ax, ip = 0, cs = 0x33, flags = 0x246, sp = 0, ss = 0x2b;
  Registers(long number, const CallArguments& a, u64 result)
      : r10(a[3]),
        r9(a[5]),
        r8(a[4]),
        ax(result),
        dx(a[2]),
        si(a[1]),
        di(a[0]),
        orig_ax(static_cast<u64>(number)) {}
};
static_assert(sizeof(Registers) == 21 * 8);
#else
struct Registers {
  u64 regs[31] = {}, sp = 0, pc = 0, pstate = 0, orig_x0, syscallno, rest[4] = {};
  Registers(long number, const CallArguments& a, u64 result)
      : orig_x0(a[0]), syscallno(static_cast<u64>(number)) {
    for (size_t i = 0; i < a.size(); i++) regs[i] = a[i];
    regs[8] = static_cast<u64>(number);
    if (result != static_cast<u64>(-ENOSYS)) regs[0] = result;
  }
};
#endif

void fire(bool enter, long number, const CallArguments& a, u64 result) {
  const auto& points = *kernel()->tracepoints;
  Registers regs(number, a, enter ? static_cast<u64>(-ENOSYS) : result);
  u64 raw[2] = {reinterpret_cast<u64>(&regs), enter ? static_cast<u64>(number) : result};
  points.fire(enter ? "sys_enter" : "sys_exit", raw);
  // The record: a common head, the number, then the arguments or the result.
  u64 record[8] = {0, static_cast<u64>(number)};
  if (enter)
    std::copy(a.begin(), a.end(), record + 2);
  else
    record[2] = result;
  const std::span<u64> seen(record, enter ? 8 : 3);
  points.fire(enter ? "raw_syscalls/sys_enter" : "raw_syscalls/sys_exit", seen);
  if (const auto name = syscall::system_call_name(number); !name.empty())
    points.fire((enter ? "syscalls/sys_enter_" : "syscalls/sys_exit_") + std::string(name), seen);
}

}  // namespace

SeenCall::SeenCall(long number, const CallArguments& arguments)
    : number_(number),
      arguments_(arguments),
      fires_(!t_inside && kernel_in_use() && !host::run_context().depth) {
  if (!fires_) return;
  t_inside = true;
  const int saved = errno;
  if (kernel()->tracepoints->any()) fire(true, number_, arguments_, 0);
  errno = saved;
}
SeenCall::~SeenCall() {
  if (fires_) t_inside = false;
}
void SeenCall::exit(long result) {
  const int saved = errno;
  if (kernel()->tracepoints->any())
    fire(false, number_, arguments_, static_cast<u64>(result == -1 ? -long{saved} : result));
  errno = saved;
}

}  // namespace osmia::preload

// ---- sleeping, which libc does by a call of its own

using osmia::preload::SeenCall;

static osmia::u64 word(const void* p) {
  return reinterpret_cast<osmia::u64>(p);
}
OSMIA_EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec* time,
                                 struct timespec* left) {
  SeenCall seen(SYS_clock_nanosleep, {static_cast<osmia::u64>(clock), static_cast<osmia::u64>(flags),
                                      word(time), word(left), 0, 0});
  const int e = osmia::preload::next<int (*)(clockid_t, int, const struct timespec*, struct timespec*)>(
      "clock_nanosleep")(clock, flags, time, left);
  seen.ended(-long{e});
  return e;
}
OSMIA_EXPORT int nanosleep(const struct timespec* time, struct timespec* left) {
  SeenCall seen(SYS_clock_nanosleep, {CLOCK_REALTIME, 0, word(time), word(left), 0, 0});
  return seen.ended(
      osmia::preload::next<int (*)(const struct timespec*, struct timespec*)>("nanosleep")(time, left));
}
OSMIA_EXPORT int usleep(useconds_t microseconds) {
  const struct timespec time = {static_cast<time_t>(microseconds / 1000000),
                                static_cast<long>(microseconds % 1000000) * 1000};
  SeenCall seen(SYS_clock_nanosleep, {CLOCK_REALTIME, 0, word(&time), 0, 0, 0});
  return seen.ended(osmia::preload::next<int (*)(useconds_t)>("usleep")(microseconds));
}
OSMIA_EXPORT unsigned sleep(unsigned seconds) {
  const struct timespec time = {static_cast<time_t>(seconds), 0};
  SeenCall seen(SYS_clock_nanosleep, {CLOCK_REALTIME, 0, word(&time), 0, 0, 0});
  const unsigned left = osmia::preload::next<unsigned (*)(unsigned)>("sleep")(seconds);
  seen.ended(left ? -long{EINTR} : 0L);
  return left;
}
