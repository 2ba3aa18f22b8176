// Slots are bits of one word array; a thread prefers the slot it had last, so that its per-CPU data stays in
// its cache.
#include "host/run_context.h"

#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>

namespace osmia::host {
namespace {

std::atomic<u32> g_cpus{0};

struct Slots {
  explicit Slots(u32 n) : count(n), busy(new std::atomic<bool>[n]) {
    for (u32 i = 0; i < n; i++) busy[i] = false;
  }
  u32 count;
  std::unique_ptr<std::atomic<bool>[]> busy;
};

Slots& slots() {
  static Slots* s = new Slots(nr_cpus());  // never freed: threads may still run at exit
  return *s;
}

bool take(u32 slot) {
  bool expected = false;
  auto& b = slots().busy[slot];
  return !b.load(std::memory_order_relaxed) &&
         b.compare_exchange_strong(expected, true, std::memory_order_acquire);
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

RunContext& run_context() {
  thread_local RunContext context;
  return context;
}

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

RunScope::~RunScope() {
  RunContext& c = run_context();
  if (c.depth == 1) slots().busy[c.cpu].store(false, std::memory_order_release);
  c = saved_;
}

}  // namespace osmia::host
