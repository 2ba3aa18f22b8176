// Before exploration: find the subprograms, resolve descriptors, check the control-flow graph and the BTF
// records. Called in this order by verify(); each rejects with Linux's text. After all of them Env::aux says
// where states are compared and history is recorded.
#pragma once
#include "verifier/env.h"

namespace osmia::verifier {

void check_func_info_early(Env& env);   // record by record
void find_subprograms(Env& env);        // entry, call targets, callbacks, exception callback
void check_jumps(Env& env);             // stay inside their subprogram; subprograms end in exit or jump
void check_btf_records(Env& env);       // func_info and line_info fit the subprograms
void resolve_pseudo(Env& env);          // maps, values, BTF variables of ld_imm64; known opcodes
void check_cfg(Env& env);               // reachability, back edges (unprivileged), prune points
void check_attach_target(Env& env);     // tracing, LSM, extensions, struct_ops
void check_struct_ops(Env& env);        // the last of these
void mark_fastcall(Env& env);           // spills around calls that clobber less
void remove_fastcall_spills(Env& env);  // after exploration: stack depth without them
void check_stack_depth(Env& env);       // combined depth of every call chain
void note_stack_extra(Env& env);        // what Linux's rewriting adds to it, unchecked as there

// -- shared
s32 subprog_at(const Env& env, u32 insn_idx);  // the subprogram that starts there, -1 if none
const contract::HelperDef* helper_of(const Env& env,
                                     const Insn& call);  // granted or not; nullptr for other calls
const contract::KfuncDef* kfunc_of(const Env& env, const Insn& call);  // by the BTF function's name
bool calls_sync_callback(const Env& env, const Insn& call);
bool calls_async_callback(const Env& env, const Insn& call);
bool is_throw(const Env& env, const Insn& call);  // the bpf_throw kfunc

}  // namespace osmia::verifier
