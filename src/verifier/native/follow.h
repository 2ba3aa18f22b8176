// What instructions do to a path's Trail, and Trails where paths meet.
#pragma once
#include "verifier/env.h"

namespace osmia::verifier::native {

// The current instruction, before it is executed (so that env.cur still holds its operands).
void follow(Env& env, const Insn& in);

// a := what holds of both. False: they run through different loops.
// `wide`: a distance that grows is followed no further, so that joining comes to an end.
bool join_trails(Trail& a, const Trail& b, bool wide);
bool trail_holds(const Trail& general, const Trail& special);

}  // namespace osmia::verifier::native
