// Virtual CPUs: a thread that runs programs holds a slot, and per-CPU data and bpf_get_smp_processor_id() use
// the slot. Invariant: while a thread is inside a RunScope, no other thread has the same slot (per-CPU data
// needs no lock).
#pragma once
#include "base/types.h"

namespace osmia::host {

// Possible CPUs: the machine's, as Linux counts them, unless set_nr_cpus() said otherwise before the first
// use. Per-CPU maps have so many values, and slots are 0 … nr_cpus()-1.
u32 nr_cpus();
void set_nr_cpus(u32 n);  // tests, and hosts that want another machine; call before any map is made

// What the code of helpers may ask about the run of the calling thread.
struct RunContext {
  u32 cpu = 0;                    // virtual CPU slot
  const void* program = nullptr;  // the running program (a maps::ProgObject), null outside a run
  void* ctx = nullptr;            // the program's host context
  u32 depth = 0;                  // nested runs of this thread
  u64 attach_cookie = 0;          // what the program was attached with
  u64 cgroup_storage[2] = {};     // what bpf_get_local_storage() gives: shared, this CPU's; 0 = none
};
// At the same distance from every thread's pointer, so that machine code may read it.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local RunContext t_run_context;
inline RunContext& run_context() {
  return t_run_context;
}

// The calling thread's slot: inside a RunScope its own, outside a slot that may be shared (0).
inline u32 current_cpu() {
  return run_context().cpu;
}

// Takes a free slot for the calling thread (waits for one), and gives it back. Nested scopes keep the slot.
class RunScope {
 public:
  explicit RunScope(const void* program, void* ctx = nullptr);
  // On this CPU (below nr_cpus()): waits until it is free. A nested scope stays where it is.
  RunScope(const void* program, void* ctx, u32 cpu);
  ~RunScope();
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

 private:
  RunContext saved_;
};

}  // namespace osmia::host
