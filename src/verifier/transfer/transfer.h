// One instruction's effect on the current state: arithmetic, pointer arithmetic, loads and stores, atomics, jumps.
#pragma once
#include "verifier/access/access.h"

namespace osmia::verifier {

void check_alu(Env& env);                          // ALU and ALU64, incl. mov, movsx, neg, endian, addr_space_cast
void check_load(Env& env);                         // LDX MEM and MEMSX
void check_store(Env& env);                        // ST and STX MEM
void check_atomic(Env& env);                       // STX ATOMIC
void check_ld_imm64(Env& env);
void check_ld_abs(Env& env);                       // LD_ABS and LD_IND
// A conditional jump (also may_goto): pushes the other path; sets env.insn_idx to the instruction to go on with.
void check_cond_jump(Env& env);

// -- shared pieces
// Applies scalar op `insn` to dst (known to be scalar) with src. Used by alu.cpp and atomic.
void mark_ptr_or_null_regs(Env& env, PathState& st, u32 frame, u32 regno, bool is_null);
// Scalars with the same id as `known` learn what it learnt (linked registers).
void sync_linked_regs(Env& env, PathState& st, const RegState& known, u64 linked_regs);
// Packs which registers and slots share `id` at this jump, for the history. 
u64 collect_linked_regs(Env& env, PathState& st, u32 id);
// Speculation: may a masked pointer operation be sanitised, and marks aux.
void sanitize_check_bounds(Env& env, const Insn& insn, const RegState& dst);

}  // namespace osmia::verifier
