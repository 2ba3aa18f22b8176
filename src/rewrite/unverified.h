// An ExecProgram straight from instructions, without a verdict: for tests and the conformance plug-in only.
// Nothing is proved of it, so running one may read and write anywhere.
#pragma once
#include <functional>
#include <span>

#include "base/result.h"
#include "rewrite/exec_program.h"

namespace osmia::rewrite {

// Splits the instructions into subprograms at the targets of calls and function references; each frame gets
// the full 512 bytes of stack. `helper`: the code of a helper by id (unset, or null: EOPNOTSUPP). Errors:
// EINVAL for what no program can hold (an unknown opcode, a target outside the program, a map reference),
// EOPNOTSUPP for helpers and kfuncs that have no code.
Result<ExecProgram> unverified(std::span<const isa::Insn> insns,
                               const std::function<ExecCall(s32 id)>& helper = {});

}  // namespace osmia::rewrite
