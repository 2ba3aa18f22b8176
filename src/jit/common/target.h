// The seam to the CPU: what the folder of each CPU defines (x86_64/, arm64/), under the same names.
#pragma once
#include "jit/jit.h"

namespace osmia::jit::target {

// One BPF instruction at a time, every BPF register in a host register of its own.
Result<std::shared_ptr<const Image>> compile_direct(const rewrite::ExecProgram& program,
                                                    const Options& options);
// SSA, register allocation, fused patterns. Errors: EOPNOTSUPP for what only the direct tier takes.
Result<std::shared_ptr<const Image>> compile_optimised(const rewrite::ExecProgram& program,
                                                       const Options& options);

}  // namespace osmia::jit::target
