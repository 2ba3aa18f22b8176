// Operations on registers, references and liveness that every transfer function needs. Each keeps the marks
// and the scratch bits right, so that no caller touches them by hand.
#pragma once
#include "verifier/env.h"

namespace osmia::verifier {

// -- values (they write only the RegState given)
void set_unknown(const Env& env, RegState& r);  // any scalar; precise for the unprivileged
void set_known(RegState& r, u64 value);         // a constant scalar
void set_not_init(const Env& env, RegState& r);
void set_pointer(RegState& r, RegType type);          // fresh pointer: off 0, var 0, no ids
void copy_value(RegState& dst, const RegState& src);  // plain copy (marks are elsewhere)

// -- reading and writing a register of the current frame at the current instruction (check_reg_arg)
enum class RegUse : u8 { kRead, kWrite, kWriteNoMark };
// Rejects "R%d !read_ok", "frame pointer is read only"; marks liveness, zext needs and scratch.
// kWrite sets the register unknown; kWriteNoMark leaves its value.
void use_reg(Env& env, u32 regno, RegUse use);
void note_zext(Env& env, RegState& r);   // the upper half of r's 32-bit definition is needed
void mark_unknown(Env& env, u32 regno);  // current frame
void mark_not_init(Env& env, u32 regno);
void clear_caller_saved(Env& env);  // r0..r5 := not init (after a call)

// -- liveness (path/liveness.cpp)
enum class ReadWidth : u8 { k32, k64 };
void mark_reg_read(Env& env, PathState& st, u32 frame, u32 regno, ReadWidth w);
void mark_reg_written(PathState& st, u32 frame, u32 regno);
void mark_stack_read(Env& env, PathState& st, u32 frame, int slot);
void mark_stack_written(PathState& st, u32 frame, int slot);

// -- precision (path/precision.cpp)
void mark_precise(Env& env, u32 regno);                           // mark_chain_precision
void push_history(Env& env, u16 flags = 0, u64 linked_regs = 0);  // record the current instruction

// -- references (state/references.cpp)
u32 acquire_ref(Env& env, u32 insn_idx);             // a new id, held by the current path
bool release_ref_id(Env& env, u32 ref_obj_id);       // false: not held. Does not touch registers
void check_ref_leak(Env& env, bool exception_exit);  // rejects "Unreleased reference id=%d alloc_insn=%d"

// Calls fn(RegState&, frame, slot_or_reg, is_spilled) on every register and fully spilled register, of all
// frames, for which pred(const RegState&) holds. Only then is a shared frame copied.
template <class Pred, class Fn>
void for_each_reg(PathState& st, Pred pred, Fn fn) {
  for (u32 f = 0; f <= st.curframe; f++) {
    const Frame& fr = *st.frames[f];
    for (u32 r = 0; r < 11; r++)
      if (pred(fr.regs[r])) fn(st.frames[f].mut().regs[r]);
    for (int i = 0; i < st.frames[f]->stack.slots(); i++) {
      const StackSlot& slot = st.frames[f]->stack[i];
      if (slot.is_spill() && pred(slot.spilled)) fn(st.frames[f].mut().stack.mut(i).spilled);
    }
  }
}

// -- branching (path/explorer.cpp)
// A pending path that starts at insn_idx with a copy of the current state. Rejects at the jump-sequence limit
// (E2BIG "The sequence of %d jumps is too complex."). Returns the new state, for the caller to refine.
PathState& push_branch(Env& env, u32 insn_idx, s32 prev_insn_idx, bool speculative);
// A pending asynchronous callback: a state with one frame, of that subprogram.
PathState& push_async_callback(Env& env, u32 insn_idx, s32 prev_insn_idx, u32 subprog, bool sleepable);

// The newest checkpoint at insn_idx with st's callsites that is still open and above st (find it for
// cur->parent in an iterator's next(), for cur itself when a callback returns), or nullptr.
const PathState* previous_entry(const Env& env, const PathState& st, u32 insn_idx);
// Forgets the ranges of scalars of st that are not precise and differ from prev: so loops converge.
void widen_imprecise(Env& env, const PathState& prev, PathState& st);

}  // namespace osmia::verifier
