// Calls: helpers by contract, kfuncs by BTF, subprograms by frame, callbacks, and what comes back.
#pragma once
#include "verifier/access/access.h"

namespace osmia::verifier {

// The current instruction. All three leave env.insn_idx at the last instruction done: the explorer adds one.
// Reserved fields and "function calls are not allowed while holding a lock" are checked before
// (path/exits.cpp: check_call).
void check_helper_call(Env& env);
bool check_kfunc_call(Env& env);  // true: bpf_throw(), the program ends here
// After exploration: no reached kfunc call was left unresolved (libbpf writes 0 for functions that the kernel
// lacks).
void check_unresolved_kfuncs(Env& env);
// May this call run while a bpf_spin_lock is held (the unlock itself, graph kfuncs)? Subprogram calls: true
// here.
bool allowed_under_lock(const Env& env, const Insn& call);
// Enters the callee. Static: its frame becomes current and env.insn_idx is its first instruction - 1 (the
// explorer adds one); global: assumed by its BTF, env.insn_idx unchanged.
void check_subprog_call(Env& env);
// `exit` in a frame above 0: back in the caller. *next_insn_idx is the instruction to go on with (the
// callsite itself for callbacks, which are explored until they converge: see previous_entry and
// widen_imprecise in state/ops.h).
void leave_frame(Env& env, s32* next_insn_idx);
// r0 at the end of the program, a callback or a global function is in the range allowed.
void check_return_value(Env& env, u32 regno, std::string_view reg_name);
// Registers of frame 0 for verifying `subprog` on its own (main program or global function): types from BTF.
void prepare_entry_state(Env& env, PathState& st, u32 subprog);

// -- dynptrs and iterators on the stack (call/dynptr.cpp, call/iterator.cpp), used by access/ too
// A plain store into a dynptr's bytes destroys it (or is refused when it holds a reference).
void destroy_if_dynptr_slot(Env& env, u32 frame, int slot);
void invalidate_dynptr_slices(Env& env, u32 dynptr_id);

}  // namespace osmia::verifier
