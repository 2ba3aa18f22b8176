// The engine behind programs: what a verified program becomes when it is loaded, and how its helpers are
// found.
#pragma once
#include "runtime/kernel.h"

namespace osmia::runtime {

// Kernel::prepare: rewrites the program and compiles it, with the JIT or for the interpreter (Kernel::jit). A
// program whose helpers have no code here is loaded without an Executable; Program::not_executable then names
// what is missing. Errors: what rewriting gives (ERANGE, EOPNOTSUPP …).
Status prepare_program(Kernel& kernel, Program& program);

// The program's instructions rewritten and compiled once more, with a change in between. Errors: as
// prepare_program().
Result<std::shared_ptr<Executable>> compile_again(Kernel& kernel, Program& program,
                                                  const std::function<void(rewrite::ExecProgram&)>& change);

// What makes the kernel's own struct of a program's context; null where there is none here.
u64 (*context_cast(const Program& program))(u64, u64, u64, u64, u64);

// Fills the hooks of a Kernel: prepare, and the test runs of all program types that have one. The
// environment's OSMIA_JIT (auto, on, off), where set, chooses the engine.
void install_engine(Kernel& kernel);

// The code of a helper's row, null if it has none. `def` is a row of helpers::registry().
u64 (*helper_code(const contract::HelperDef& def))(u64, u64, u64, u64, u64);

}  // namespace osmia::runtime
