// One instruction's effect on the current state: arithmetic, pointer arithmetic, loads and stores, atomics,
// jumps.
#pragma once
#include "verifier/access/access.h"
#include "verifier/state/linked_regs.h"

namespace osmia::verifier {

void check_alu(Env& env);     // ALU and ALU64, incl. mov, movsx, neg, endian, addr_space_cast
void check_load(Env& env);    // LDX MEM and MEMSX
void check_store(Env& env);   // ST and STX MEM
void check_atomic(Env& env);  // STX ATOMIC
void check_ld_imm64(Env& env);
void check_ld_abs(Env& env);  // LD_ABS and LD_IND
// A conditional jump (also may_goto): pushes the other path; sets env.insn_idx to the instruction to go on
// with.
void check_cond_jump(Env& env);

// -- shared pieces
// The pointer that regno holds in `st` is known to be null (or not): every register with its id learns so,
// and a reference that turned out null is no longer held.
void mark_ptr_or_null_regs(Env& env, PathState& st, u32 frame, u32 regno, bool is_null);
// One register: drops kMaybeNull; a map-of-maps or socket-map element becomes what its map holds.
void mark_not_null(RegState& r);
// A non-null pointer for sure (its base cannot be null and its offset cannot wrap it to null).
bool surely_not_null(const Env& env, const RegState& r);

// Which registers and slots share `id` at this jump, appended to `set`; those that do not fit lose their id.
void collect_linked_regs(PathState& st, u32 id, LinkedRegs& set);
// Members of `set` whose id is still that of `known` learn what it learnt, each by its own constant distance.
void sync_linked_regs(PathState& st, const RegState& known, const LinkedRegs& set);

// Unprivileged: the pointer that arithmetic gave stays inside its object, so that accesses can be sanitised.
void sanitize_check_bounds(Env& env, const Insn& insn, u32 regno);
// Follows next_idx as mis-speculation would; the operands of the jump at the current instruction are unknown
// there.
void push_speculative_path(Env& env, const Insn* insn, u32 next_idx, u32 curr_idx);

}  // namespace osmia::verifier
