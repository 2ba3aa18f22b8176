// What the tiers of all CPUs fill in while they emit, and how it becomes an Image: code is laid out, placed
// in executable memory, its faults and names registered. Invariant: addresses of callbacks are fixed before
// any code is emitted (code holds them).
#pragma once
#include <asmjit/core.h>

#include "jit/common/fault_table.h"
#include "jit/common/unwind.h"
#include "jit/jit.h"

namespace osmia::jit {

struct PendingFault {
  u32 at = 0;  // offset in the code section
  asmjit::Label resume = {};
  bool arena = false;
};

// The assembler's complaints; the first one fails the compilation.
struct AssemblerErrors final : asmjit::ErrorHandler {
  void handleError(asmjit::Error e, const char* message, asmjit::BaseEmitter*) override {
    if (first) return;
    first = e;
    text = message;
  }
  asmjit::Error first = 0;
  std::string text;
};

struct ImageBuilder {
  explicit ImageBuilder(const rewrite::ExecProgram& program, const Options& options, Tier tier);

  // The address that stands for subprogram s in the program's registers; from now on it needs a thunk.
  u64 wanted_callback(u32 s);

  // Errors: ENOMEM, EFAULT if the code cannot be placed.
  Result<std::shared_ptr<const Image>> finish();

  const rewrite::ExecProgram& program;
  const Options& options;
  AssemblerErrors errors;
  asmjit::CodeHolder code;
  std::shared_ptr<Image> image;
  std::vector<asmjit::Label> entries;  // of each subprogram
  std::vector<asmjit::Label>
      callbacks;  // of the thunk through which helpers call it; invalid: never called so
  std::vector<PendingFault> faults;
  std::vector<CodeRange> map;
  Unwind unwind;
};

}  // namespace osmia::jit
