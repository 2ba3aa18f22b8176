// One function's instructions in a row, small subprograms expanded where they are called. Invariant: every
// jump's target is an index into this list, and registers are variables: r0 to r5 are shared with what is
// expanded, r6 to r9 are each expansion's own.
#pragma once
#include <vector>

#include "base/result.h"
#include "rewrite/exec_program.h"

namespace osmia::jit {

enum class FlatKind : u8 {
  kPlain,
  kThreadWord,
  kImm64,
  kCall,
  kCallSub,
  kTailCall,
  kJump,
  kBranch,
  kMayGoto,
  kExit
};
struct Flat {
  isa::Insn insn;
  FlatKind kind = FlatKind::kPlain;
  u8 depth = 0;    // of expansion
  u32 origin = 0;  // instruction of the ExecProgram
  u32 target = 0;  // jumps: index in the list; calls: subprogram
  u64 imm64 = 0;
};

// kThreadWord: dst = the u32 that lies imm bytes from the thread pointer.

inline constexpr u32 kFlatVars = 12;  // r0 … r10, AX; r6 to r9 are not used as such

// What is known of each subprogram, once per program.
struct SubprogInfo {
  u8 args = 0;  // r1 … r(args) may be read
  bool inlinable = false;
  bool tail_calls = false;     // itself or what it calls
  bool throws = false;         // it may come back with an exception on its way (rewrite::t_thrown)
  bool helpers_throw = false;  // the same of helpers: some callback of the program throws
};
// Errors: EINVAL for what no engine knows.
Result<std::vector<SubprogInfo>> subprog_info(const rewrite::ExecProgram& p);
Result<std::vector<Flat>> flatten(const rewrite::ExecProgram& p, const std::vector<SubprogInfo>& info,
                                  u32 subprog);
// Where t_thrown.set lies, in bytes from the thread pointer.
s32 thrown_word();
// lookup.cpp: look-ups in arrays as arithmetic. cpu_word: Options::cpu_word.
std::vector<Flat> inline_lookups(std::vector<Flat> code, const rewrite::ExecProgram& p, s32 cpu_word);

}  // namespace osmia::jit
