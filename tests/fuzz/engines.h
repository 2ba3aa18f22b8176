// One program on every engine: it is verified once, and each engine compiles what was accepted. The same
// inputs, maps and context must give the same result, packet, context and maps. Invariant: a program is
// compared only if its result depends on its input alone (GeneratorOptions::deterministic).
#pragma once
#include <memory>
#include <optional>

#include "harness.h"
#include "runtime/kernel.h"

namespace osmia::fuzz {

struct Mismatch {
  std::string first, second;  // engines
  Outcome a, b;
  Input input;
};
std::string describe(const Mismatch& m);

class Engines {
 public:
  // live: also the running kernel (bpf(2): load and test run, never attach). See live_usable().
  explicit Engines(bool live);
  ~Engines();
  bool live_usable();
  // For tests of the tests: the last engine compiles shifts right by a constant as if it were one more.
  bool sabotage = false;

  struct Result {
    bool accepted = false, compared_live = false;
    u32 runs = 0;         // of all engines
    u32 optimised = 0;    // 1: the optimising tier took it
    std::string missing;  // an engine that did not take it, and why
    std::optional<Mismatch> mismatch;
  };
  // `live`: the running kernel is asked too, if it is usable.
  Result compare(const Program& program, u32 prog_type, std::span<const Input> inputs, bool live);
  // A smaller program that shows the mismatch.
  Program reduce(const Program& program, u32 prog_type, const Mismatch& mismatch);

 private:
  struct Engine {
    const char* name;
    runtime::JitMode mode;
    jit::Tier tier;
    std::shared_ptr<runtime::Executable> code;
    std::string missing;
  };
  Status prepare(runtime::Kernel& kernel, runtime::Program& program);

  std::unique_ptr<runtime::Kernel> kernel_;
  std::vector<Engine> engines_;
  runtime::Program* last_ = nullptr;
  Target ours_, live_;
  bool use_live_;
};

}  // namespace osmia::fuzz
