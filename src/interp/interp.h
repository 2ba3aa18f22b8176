// The interpreter: the reference semantics of every instruction (RFC 9669), over pre-decoded instructions. It
// checks nothing that the verifier proved: unverified programs may only be given to it by tests (conformance
// plug-in).
#pragma once
#include <functional>
#include <memory>

#include "base/result.h"
#include "rewrite/exec_program.h"

namespace osmia::interp {

// How a tail call finds its target: (prog array's address, index) -> the program there, which is ours or
// machine code; neither: there is none.
class Code;
struct TailTarget {
  const Code* code = nullptr;
  u64 (*native)(u64 r1, u64, u64, u64, u64, u32* tail_calls) = nullptr;
};
using TailCallFn = TailTarget (*)(u64 map, u32 index);

// A program made ready to run. Immutable, shared by threads. The ExecProgram must outlive it.
class Code {
 public:
  // Errors: EINVAL for an instruction that no engine knows (cannot happen for verified programs).
  static Result<std::shared_ptr<const Code>> compile(const rewrite::ExecProgram& program,
                                                     TailCallFn tail_call = nullptr);
  ~Code();

  // Runs the entry with r1 and r2; returns r0.
  u64 run(u64 r1, u64 r2 = 0) const;
  // The same as a tail call's target; *tail_calls: those of the whole run so far.
  u64 run_tail(u64 r1, u32* tail_calls) const;
  // Runs a subprogram with five arguments (callbacks).
  u64 call(u32 subprog, const u64 args[5]) const;
  // The object whose address a program holds as a pointer to this subprogram.
  const rewrite::BpfCallback& callback(u32 subprog) const;

 private:
  friend struct Machine;
  struct Op;
  Code();
  std::unique_ptr<Op[]> ops_;
  std::vector<u32> subprog_op_, stack_bytes_;
  std::vector<rewrite::BpfCallback> callbacks_;
  const rewrite::ExecProgram* program_ = nullptr;
  TailCallFn tail_call_ = nullptr;
  bool throws_ = false;  // some instruction throws
};

// Calls a BPF callback that a helper was given (its address came in a register).
inline u64 invoke(u64 callback, u64 a1 = 0, u64 a2 = 0, u64 a3 = 0, u64 a4 = 0, u64 a5 = 0) {
  const auto* cb = reinterpret_cast<const rewrite::BpfCallback*>(callback);
  return cb->call(cb, a1, a2, a3, a4, a5);
}

// Reads memory that may not be there: false (and zeroed bytes) where it faults.
bool probe_read(void* dst, const void* src, size_t bytes);

}  // namespace osmia::interp
