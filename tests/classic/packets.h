// Packets for the classic tests: the examples' capture, and frames of protocols that it has not; and the
// engines.
#pragma once
#include <string>
#include <vector>

#include "cli/capture.h"
#include "runtime/engine.h"

namespace osmia::classic_test {

// Whole frames and the same ones cut off at several lengths (the wire length stays).
const std::vector<cli::Packet>& packets();
// A kernel with no vmlinux whose programs get this engine.
std::unique_ptr<runtime::Kernel> kernel_with(runtime::JitMode jit);

}  // namespace osmia::classic_test
