// The JIT's one door: ExecProgram -> Image (machine code of this CPU). Like the interpreter it checks nothing
// that the verifier proved: an unverified program may only be given to it by tests and the conformance
// plug-in.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "jit/common/code_memory.h"
#include "rewrite/exec_program.h"

namespace osmia::jit {

// How generated code is entered. r1 to r5 are the program's; tail_calls counts those of the whole run so far
// (it may be null for images that make none: Image::makes_tail_calls()).
using Entry = u64 (*)(u64 r1, u64 r2, u64 r3, u64 r4, u64 r5, u32* tail_calls);

// Finds the target of a tail call: what to jump to, or null (the program goes on behind the call). It has
// counted the call in *tail_calls when it answers with a target. `r1` is what the target will be given.
using TailCallFn = Entry (*)(u64 map, u32 index, u32* tail_calls);

inline constexpr u32 kMaxTailCalls = 33;
inline constexpr u32 kMayGotoLimit = 8388608;  // BPF_MAX_LOOPS: a may_goto loop ends after so many rounds

enum class Tier : u8 {
  kOptimised,  // the usual one
  kDirect,     // one instruction at a time; also what kOptimised falls back to
};
struct Options {
  TailCallFn tail_call = nullptr;  // unset: a program with tail calls is refused (EOPNOTSUPP)
  std::string name;                // of the program, for debuggers and profilers
  // Where a thread keeps its virtual CPU's number (host::current_cpu()), in bytes from the thread pointer; the
  // same for every thread. 0: unknown, code asks by calling.
  s32 cpu_word = 0;
  bool blind_constants = false;    // no immediate of the program appears in the code
  Tier tier = Tier::kOptimised;
};

// Host code from `offset` on belongs to instruction `insn` of the ExecProgram (kNoInsn: to none).
struct CodeRange {
  u32 offset = 0, insn = 0;
};
inline constexpr u32 kNoInsn = ~0u;

// A compiled program. Immutable, shared by threads. It keeps nothing of the ExecProgram.
class Image {
 public:
  Entry entry() const { return entry_; }
  // The object whose address a program holds as a pointer to this subprogram.
  const rewrite::BpfCallback& callback(u32 subprog) const { return callbacks_[subprog]; }
  bool makes_tail_calls() const { return makes_tail_calls_; }

  std::span<const u8> bytes() const { return memory_.bytes(); }
  std::span<const CodeRange> map() const { return map_; }  // by offset
  // Where each subprogram's code begins; one more than there are subprograms: the end of the last.
  std::span<const u32> subprogs() const { return subprogs_; }
  Tier tier() const { return tier_; }

  Image();
  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

 private:
  friend struct ImageBuilder;
  CodeMemory memory_;
  Entry entry_ = nullptr;
  std::vector<rewrite::BpfCallback> callbacks_;
  std::vector<CodeRange> map_;
  std::vector<u32> subprogs_;
  std::shared_ptr<class Registration> registration_;  // names for debuggers
  bool makes_tail_calls_ = false, has_faults_ = false;
  Tier tier_ = Tier::kDirect;
};

// Is there a JIT for this CPU?
bool available();

// Errors: EOPNOTSUPP for what this CPU's JIT cannot compile (the interpreter may), EINVAL for an instruction
// that no engine knows, ENOMEM.
Result<std::shared_ptr<const Image>> compile(const rewrite::ExecProgram& program, const Options& options);

}  // namespace osmia::jit
