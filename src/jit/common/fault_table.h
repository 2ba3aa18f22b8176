// Fault table: which instructions of generated code may touch memory that is not there, and where to go on.
// Invariant: a fault at any other place is handed to whoever handled it before us, so that real crashes stay
// visible. Looking up allocates nothing and takes no lock (it runs in a signal handler).
#pragma once
#include <vector>

#include "base/types.h"
#include "contract/arena_space.h"

namespace osmia::jit {

// Offsets into the code they belong to.
struct Fault {
  u32 at = 0;          // the instruction that may fault
  u32 resume = 0;      // where execution goes on after a fault
  bool arena = false;  // an access to the program's arena: made again if the page has come meanwhile
};

// Makes the faults of [code, code + size) known; installs the SIGSEGV and SIGBUS handlers at the first call.
// `faults` in any order. `arena`: of the program, or null; it outlives the code. Call forget_faults() before
// the code goes.
void register_faults(const void* code, size_t size, std::vector<Fault> faults,
                     const contract::ArenaSpace* arena = nullptr);
void forget_faults(const void* code);

// For tests: where execution would resume after a fault at `ip`; 0: nowhere.
u64 resume_address(u64 ip);

}  // namespace osmia::jit
