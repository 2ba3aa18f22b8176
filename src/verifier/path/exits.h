// Calls and exits as the main loop sees them: reserved fields, and what must not be held at that point.
#pragma once
#include "verifier/env.h"

namespace osmia::verifier {

bool check_call(Env& env);                        // true: the call threw and ends the program
void check_ja(Env& env);                          // sets env.insn_idx to the target
void check_exit_state(Env& env, bool exception);  // reserved fields of `exit`, locks, references

}  // namespace osmia::verifier
