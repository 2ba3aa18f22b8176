// Machine code for people: what `osmia disasm --jited` prints.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"
#include "isa/disasm.h"
#include "runtime/program.h"

namespace osmia::cli {

// The CPU that the JIT of this build compiles for.
std::string_view jited_cpu();

// Host instructions under the BPF instruction and the source line that they come from. Errors: ENOENT if the
// program has no machine code.
Result<std::string> jited_text(const runtime::Program& program, const isa::DisasmOptions& options);

}  // namespace osmia::cli
