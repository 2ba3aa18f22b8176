// RewrittenProgram: the rewritten program, run one instruction at a time while what code generators are told
// of it (rewrite/operand_facts.h) is held against the registers. In every other run, registers that nobody is
// said to read, and upper halves likewise, are overwritten with noise, so that a wrong fact changes the
// result.
#pragma once
#include "checked_program.h"
#include "rewrite/operand_facts.h"

namespace osmia::soundness {

class RewrittenProgram final : public runtime::Executable {
 public:
  // Null with a reason in `why` where it cannot run.
  static std::shared_ptr<RewrittenProgram> make(runtime::Kernel& kernel, const runtime::Program& program,
                                                Counters& counters, u64 seed, std::string* why);

  bool was_cut() const { return stopped_; }  // the last run

 private:
  RewrittenProgram(Counters& counters, u64 seed) : counters_(counters), random_(seed) {}
  static u64 callback(const rewrite::BpfCallback* cb, u64, u64, u64, u64, u64);
  u64 run_subprog(u32 subprog, const u64* args);
  bool check(u32 pc, const u64* r);
  void scramble(u32 pc, u64* r);
  void violation(u32 pc, const std::string& what);

  std::string name_;
  rewrite::ExecProgram program_;
  std::vector<rewrite::OperandFacts> facts_;
  std::vector<rewrite::BpfCallback> callbacks_;
  Counters& counters_;
  std::mt19937_64 random_;
  u64 left_ = 0;
  bool stopped_ = false, scrambles_ = false;
};

}  // namespace osmia::soundness
