// Pieces that the transfer files share.
#pragma once
#include "verifier/access/region.h"
#include "verifier/transfer/transfer.h"

namespace osmia::verifier {

// Reserved fields of the current instruction; once per instruction, since they never change.
void check_fields_once(Env& env);
// The kinds of pointers that one instruction may see on different paths: those whose access is rewritten may
// not mix.
void note_ptr_type(Env& env, RegType type, bool trust_may_differ);

// -- pointer arithmetic: dst = ptr op off; `off` is a copy of the scalar operand
void pointer_alu(Env& env, const Insn& in, u32 ptr_regno, const RegState& off);

// -- Spectre v1 (transfer/sanitize.cpp)
struct SanitizeInfo {
  u8 alu_state = 0;
  u32 alu_limit = 0;
  bool mask_to_left = false;
};
// Before (commit false) and after (commit true) the operation on the current instruction. Rejects what cannot
// be masked.
void sanitize_ptr_alu(Env& env, const Insn& in, const RegState& ptr, const RegState& off, bool ptr_is_dst,
                      SanitizeInfo& info, bool commit);
void sanitize_scalar_alu(Env& env, const Insn& in);

// -- jumps
// 1: taken, 0: not taken, -1: not known; packet pointers (packet_end.cpp) and others (branch_pointers.cpp).
int packet_branch_taken(const RegState& a, const RegState& b, u8 op);
int pointer_branch_taken(const Env& env, const RegState& a, const RegState& b, u8 op);
u8 flip_jump(u8 op);  // a op b == b flip(op) a
// Comparison of a packet pointer with the packet's end: readable ranges on one edge, "beyond" on the other.
// False: the operands are no such pair.
bool match_packet_end(const Env& env, PathState& fall, PathState& taken, const Insn& in, const RegState& dst,
                      const RegState& src);
// Equal pointers are both non-null if one of them is.
void propagate_nullness(Env& env, PathState& fall, PathState& taken, const Insn& in, const RegState& dst,
                        const RegState& src);

inline std::string_view alu_text(u8 op) {
  constexpr std::string_view kText[] = {
      "+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian", "", ""};
  return kText[op >> 4];
}

}  // namespace osmia::verifier
