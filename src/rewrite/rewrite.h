// rewrite(): from a verified program and its Facts to what engines run. Each pass is a file; none proves
// anything again, they only use what the verifier proved.
#pragma once
#include <functional>

#include "rewrite/editor.h"
#include "rewrite/exec_program.h"
#include "verifier/verify.h"

namespace osmia::rewrite {

struct Options {
  // The code of a helper or kfunc; a null function means that it cannot run here.
  std::function<NativeFn(const contract::HelperDef&)> helper_code;
  std::function<NativeFn(const contract::KfuncDef&)> kfunc_code;
  // Helpers that LD_ABS and LD_IND become: (ctx, offset, size in bytes) -> value, or negative: the program
  // ends with 0.
  NativeFn load_packet = nullptr;
  bool privileged = true;  // dead code is removed; else it becomes a trap
  // Calls of helpers with the fastcall effect change r0 and their arguments only, so that the spills around
  // them may go. A backend whose calls clobber r1 to r5 must leave this off.
  bool calls_keep_registers = false;
  bool insert_zext = false;  // for backends whose 32-bit operations leave the upper half alone
};

Result<ExecProgram> rewrite(const verifier::Program& program, const verifier::Facts& facts,
                            const Options& options);

// -- the passes, in order (each over the same editor)
struct Pass {
  const verifier::Program& program;
  const verifier::Facts& facts;
  const Options& options;
  Editor& editor;
  ExecProgram& out;
};
void remove_dead_code(Pass& p);       // dead_code.cpp
Status convert_context(Pass& p);      // context.cpp
void resolve_immediates(Pass& p);     // immediates.cpp
Status resolve_calls(Pass& p);        // calls.cpp
void expand_packet_loads(Pass& p);    // packet_loads.cpp: LD_ABS, LD_IND
void mark_probing_loads(Pass& p);     // probing.cpp: loads that may fault
Status convert_arena(Pass& p);        // arena.cpp: accesses through the arena's window, casts
void insert_zero_extension(Pass& p);  // zext.cpp

}  // namespace osmia::rewrite
