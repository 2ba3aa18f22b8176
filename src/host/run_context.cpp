// Slots are sequence numbers, one cache line each; a thread prefers the slot it had last, so that its per-CPU
// data stays in its cache.
#include "host/run_context.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

#include "host/grace.h"

namespace osmia::host {
namespace {

std::atomic<u32> g_cpus{0};

// Odd while a thread holds the slot; every change is an end of what was read before (grace.h).
struct alignas(64) Slot {
  std::atomic<u64> sequence{0};
};
struct Slots {
  explicit Slots(u32 n) : count(n), slot(new Slot[n]) {}
  u32 count;
  std::unique_ptr<Slot[]> slot;
};

Slots& slots() {
  static Slots* s = new Slots(nr_cpus());  // never freed: threads may still run at exit
  return *s;
}

bool take(u32 slot) {
  std::atomic<u64>& q = slots().slot[slot].sequence;
  u64 free = q.load(std::memory_order_relaxed);
  return !(free & 1) && q.compare_exchange_strong(free, free + 1, std::memory_order_seq_cst);
}

// Makes every other thread's memory accesses fall before or after this call.
bool barrier_everywhere() {
  static const bool can = !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return can && !syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

thread_local u32 t_last_slot = ~0u;

}  // namespace

u32 nr_cpus() {
  u32 n = g_cpus.load(std::memory_order_relaxed);
  if (!n) {
    const long conf = sysconf(_SC_NPROCESSORS_CONF);
    u32 zero = 0;
    g_cpus.compare_exchange_strong(zero, conf > 0 ? static_cast<u32>(conf) : 1);
    n = g_cpus.load();
  }
  return n;
}

void set_nr_cpus(u32 n) {
  g_cpus.store(n ? n : 1);
}

constinit thread_local RunContext t_run_context;

RunScope::RunScope(const void* program, void* ctx) : saved_(run_context()) {
  RunContext& c = run_context();
  c.program = program;
  c.ctx = ctx;
  if (c.depth++) return;
  const u32 n = slots().count;
  if (t_last_slot >= n) {
    const int cpu = sched_getcpu();
    t_last_slot = cpu >= 0 ? static_cast<u32>(cpu) % n : 0;
  }
  for (u32 i = 0;; i++) {
    const u32 slot = (t_last_slot + i) % n;
    if (take(slot)) {
      c.cpu = t_last_slot = slot;
      return;
    }
    if (i && i % n == 0) std::this_thread::yield();
  }
}

RunScope::RunScope(const void* program, void* ctx, u32 cpu) : saved_(run_context()) {
  RunContext& c = run_context();
  c.program = program;
  c.ctx = ctx;
  if (c.depth++) return;
  while (!take(cpu)) std::this_thread::yield();
  c.cpu = cpu;
}

RunScope::~RunScope() {
  RunContext& c = run_context();
  if (c.depth == 1) slots().slot[c.cpu].sequence.fetch_add(1, std::memory_order_release);
  c = saved_;
}

void quiescent_point() {
  const RunContext& c = run_context();
  if (c.depth != 1) return;
  std::atomic<u64>& q = slots().slot[c.cpu].sequence;
  q.store(q.load(std::memory_order_relaxed) + 2, std::memory_order_release);
}

void Grace::begin() {
  // Without the system call, points inside a scope cannot be told from what the CPU reordered: then only the
  // end of a scope counts, which is marked by bit 63.
  const bool exact = barrier_everywhere();
  busy_.clear();
  for (u32 i = 0; i < slots().count; i++)
    if (const u64 q = slots().slot[i].sequence.load(std::memory_order_acquire); q & 1)
      busy_.push_back({i, exact ? q : q | 1ull << 63});
}

bool Grace::over(bool except_own) const {
  const RunContext& c = run_context();
  for (size_t i = 0; i < busy_.size();) {
    const u64 q = slots().slot[busy_[i].slot].sequence.load(std::memory_order_acquire);
    const bool inexact = busy_[i].sequence >> 63;
    if (inexact ? !(q & 1) : q != busy_[i].sequence) {
      busy_[i] = busy_.back();
      busy_.pop_back();
    } else if (except_own && c.depth && c.cpu == busy_[i].slot) {
      i++;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace osmia::host
