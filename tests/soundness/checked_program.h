// CheckedProgram: a loaded program run by an interpreter that holds every step against what the verifier
// claimed. The run follows the recorded graph of states: from the node it is at, the next state must be
// inside one of the node's successors, and where a path was ended because a checkpoint covers it, inside that
// checkpoint's state, except for places that the comparison did not look at. Such a place may stay outside
// its abstract value (it is "loose", and so is what is computed from it) as long as it decides nothing: never
// an address, never a jump whose other edge was not explored, and if verification found it unread, never
// read at all. The argument in full: docs/soundness.md.
#pragma once
#include <memory>
#include <random>
#include <string>

#include "concrete.h"
#include "rewrite/exec_program.h"
#include "runtime/kernel.h"

namespace osmia::soundness {

struct Counters {
  u64 runs = 0, insns = 0, covered = 0, cut = 0;  // covered: jumps to a covering state; cut: runs given up
  u64 accesses = 0, helper_calls = 0;
  u64 facts_insns = 0;  // of rewritten programs, checked against the facts for code generators
  std::vector<std::string> violations;
  bool trace = false;  // print every step: node, instruction, places outside their claims
};

struct RunLimits {
  u64 insns = 200000;  // of one run; what is longer is cut
};

class CheckedProgram final : public runtime::Executable {
 public:
  // The program must outlive this. missing() says why it cannot run, if it cannot.
  CheckedProgram(const runtime::Program& program, Recording recording, Counters& counters, u64 seed);
  ~CheckedProgram() override;

  const std::string& missing() const { return missing_; }
  bool was_cut() const { return was_cut_; }  // the last run
  RunLimits limits;
  // The engine's own code of the program; it runs in place of the checked interpreter while *plain_runs.
  std::shared_ptr<runtime::Executable> plain;
  const bool* plain_runs = nullptr;
  std::shared_ptr<runtime::Executable> rewritten;  // a RewrittenProgram, or null

 private:
  friend class Machine;
  void resolve();
  u64 enter(void* ctx);

  const runtime::Program& program_;
  Recording recording_;
  Counters& counters_;
  std::vector<rewrite::NativeFn> code_;  // by instruction: of the helper that it calls
  std::vector<rewrite::BpfCallback> callbacks_;
  std::mt19937_64 random_;
  std::string missing_;
  bool was_cut_ = false;
};

}  // namespace osmia::soundness
