// ExecProgram: what engines run. Verified, rewritten instructions with every map, value and context offset
// resolved to host addresses. Invariant: it holds no pseudo immediates but subprogram references, and call
// immediates of helpers and kfuncs are indexes into `calls`.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "contract/arena_space.h"
#include "contract/map_code.h"
#include "isa/insn.h"

namespace osmia::rewrite {

using NativeFn = u64 (*)(u64, u64, u64, u64, u64);

struct ExecCall {
  NativeFn fn = nullptr;   // null: not available in a process; running the program is refused
  std::string name;        // "bpf_map_lookup_elem"
  bool tail_call = false;  // replaces the running program instead of calling
  u8 args = 5;             // how many of r1 … r5 it reads at most
  // Set if the call works on one map that is known and can be inlined there: a look-up with inline_lookup, a
  // tail call with slots. Outlives the program.
  const contract::MapCode* map_code = nullptr;
  bool reads_cpu = false;  // gives the virtual CPU's number and does nothing else
  bool throws = false;     // bpf_throw: r1 is the cookie, the program ends. fn: throw_exception
};

// In the object behind a program array's slot (contract::SlotsInline): the word at this offset is the address
// of the program's machine code, or null: then ask the runtime. maps/ keeps it true.
inline constexpr u32 kTailEntryOffset = 24;

struct ExecSubprog {
  u32 start = 0, end = 0;  // in insns
  u32 stack_bytes = 0;     // what its frame needs, a multiple of 8
  std::string name;
  // Bit n: more than loads and stores at r10 and a constant reach bytes [fp-8*(n+1), fp-8*n).
  u64 addressed_slots = ~u64{0};
};

struct ExecProgram {
  std::vector<isa::Insn> insns;
  std::vector<u32> original;  // original[i]: index of the instruction in the loaded program that i comes from
  std::vector<ExecSubprog> subprogs;  // [0] is the entry
  std::vector<ExecCall> calls;
  // What loads and stores of mode kProbeMem32, atomics of mode kProbeAtomic and casts to the user's address
  // space go through; null: there are none.
  const contract::ArenaSpace* arena = nullptr;
  s32 exception_callback = -1;  // subprogram; what it makes of the cookie is the result. -1: the cookie is
  std::string missing;          // what cannot run here ("helper bpf_fib_lookup"); empty: everything can

  // The subprogram that starts at this instruction, or -1. Subprograms lie in order of their starts.
  s64 subprog_at(s64 start) const {
    size_t lo = 0, hi = subprogs.size();
    while (lo < hi) {
      const size_t mid = (lo + hi) / 2;
      if (static_cast<s64>(subprogs[mid].start) < start)
        lo = mid + 1;
      else
        hi = mid;
    }
    return lo < subprogs.size() && static_cast<s64>(subprogs[lo].start) == start ? static_cast<s64>(lo) : -1;
  }
};

// What a BPF callback is to a helper: the address of one of these travels in a register.
struct BpfCallback {
  const ExecProgram* program = nullptr;
  u32 subprog = 0;
  u64 (*call)(const BpfCallback*, u64, u64, u64, u64, u64) = nullptr;
  const void* owner = nullptr;  // the engine's own form of the program
  // The program as a whole, with what its code refers to: who calls back after the run holds it. Filled by
  // the runtime before the program can run; empty in tests.
  mutable std::weak_ptr<const void> life = {};
};

// An exception on its way through this thread's frames to its program's first. A callback through which it
// passes returns 1, which ends the helper's loop; engines look here behind each call of a program that may
// throw.
struct Thrown {
  u32 set = 0;  // or 1
  u64 cookie = 0;
};
[[gnu::tls_model("initial-exec")]] inline thread_local Thrown t_thrown;

// For machine code: starts an exception on its way, and ends it (gives the cookie).
inline u64 throw_exception(u64 cookie, u64, u64, u64, u64) {
  t_thrown = {1, cookie};
  return 0;
}
inline u64 catch_exception(u64, u64, u64, u64, u64) {
  t_thrown.set = 0;
  return t_thrown.cookie;
}

}  // namespace osmia::rewrite
