// One run of an attached program: with its cookie, and never inside itself. Source: Linux 6.12, the entry of
// its trampolines (behaviour only).
#pragma once
#include <optional>

#include "runtime/program.h"

namespace osmia::runtime {

// r0; nullopt: the program did not run, because it runs already further out on this thread (counted as a
// recursion miss) or because nothing here can run it.
std::optional<u64> run_attached(Program&, void* ctx, u64 cookie);

}  // namespace osmia::runtime
