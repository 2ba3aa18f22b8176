// Clocks, chance, the processor and the calling process.
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <random>

#include "helpers/code.h"
#include "host/run_context.h"

namespace osmia::helpers::code {
namespace {

u64 clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<u64>(t.tv_sec) * 1000000000u + static_cast<u64>(t.tv_nsec);
}

constexpr u64 kHz = 250, kInitialJiffies = static_cast<u64>(static_cast<u32>(-300 * 250));  // Debian's HZ

}  // namespace

u64 ktime_get_ns(u64, u64, u64, u64, u64) {
  return clock_ns(CLOCK_MONOTONIC);
}
u64 ktime_get_boot_ns(u64, u64, u64, u64, u64) {
  return clock_ns(CLOCK_BOOTTIME);
}
u64 ktime_get_coarse_ns(u64, u64, u64, u64, u64) {
  return clock_ns(CLOCK_MONOTONIC_COARSE);
}
u64 ktime_get_tai_ns(u64, u64, u64, u64, u64) {
  return clock_ns(CLOCK_TAI);
}
u64 jiffies64(u64, u64, u64, u64, u64) {
  return kInitialJiffies + clock_ns(CLOCK_MONOTONIC_COARSE) / (1000000000u / kHz);
}

u64 get_prandom_u32(u64, u64, u64, u64, u64) {
  // Xorshift on 64 bits, seeded per thread; the upper half of a product hides its linearity. Never zero.
  constinit thread_local u64 state = 0;
  u64 x = state;
  if (!x) x = (u64{std::random_device{}()} << 32 | std::random_device{}()) | 1;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  state = x;
  return x * 0x9e3779b97f4a7c15ull >> 32;
}

u64 get_smp_processor_id(u64, u64, u64, u64, u64) {
  return host::current_cpu();
}
u64 get_numa_node_id(u64, u64, u64, u64, u64) {
  return 0;
}  // virtual CPUs are all on node 0

u64 get_current_pid_tgid(u64, u64, u64, u64, u64) {
  thread_local const u64 tid = static_cast<u64>(syscall(SYS_gettid));
  return static_cast<u64>(getpid()) << 32 | tid;
}
u64 get_current_uid_gid(u64, u64, u64, u64, u64) {
  return static_cast<u64>(getgid()) << 32 | getuid();
}

// The thread's name, cut to size and padded with zeros; always terminated.
u64 get_current_comm(u64 buffer, u64 size, u64, u64, u64) {
  char name[16] = {};
  pthread_getname_np(pthread_self(), name, sizeof name);
  auto* out = reinterpret_cast<char*>(buffer);
  const u32 n = static_cast<u32>(size);
  std::memset(out, 0, n);
  if (n) std::memcpy(out, name, strnlen(name, n - 1 < 15 ? n - 1 : 15));
  return 0;
}

}  // namespace osmia::helpers::code
