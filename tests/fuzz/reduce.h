// Makes a program that shows something smaller while it still shows it. Invariant: what comes back was tried.
#pragma once
#include <functional>

#include "generator.h"

namespace osmia::fuzz {

// shows: does this program still show it? It may be any nonsense: the verifier is asked by `shows`.
Program reduce(Program program, const std::function<bool(const Program&)>& shows);

// Takes out the instructions that `gone` marks (both halves of an ld_imm64, or none): jumps and calls follow.
Program without(const Program& program, const std::vector<bool>& gone);

}  // namespace osmia::fuzz
