// A Kernel whose accepted programs are run by the checked interpreter.
#pragma once
#include <map>
#include <memory>

#include "checked_program.h"
#include "inputs.h"

namespace osmia::soundness {

class Session {
 public:
  // vmlinux may be null. seed: of everything random in the runs.
  Session(btf::BtfPtr vmlinux, u64 seed);

  runtime::Kernel& kernel() { return *kernel_; }
  Counters& counters() { return counters_; }
  Random& random() { return random_; }

  bool plain_runs = false;  // programs run in the engine instead of the checked interpreter
  // The program loaded last, null if nothing was accepted yet.
  CheckedProgram* last() { return last_.get(); }

  // Runs it with random inputs. False: it cannot run (see skipped()).
  bool check(runtime::Program& program, u32 runs);
  // Why programs were not run, and how many.
  const std::map<std::string, u32>& skipped() const { return skipped_; }

 private:
  std::unique_ptr<runtime::Kernel> kernel_;
  Counters counters_;
  Random random_;
  std::unique_ptr<Recording> recording_;
  std::map<std::string, u32> skipped_;
  std::shared_ptr<CheckedProgram> last_;
};

}  // namespace osmia::soundness
