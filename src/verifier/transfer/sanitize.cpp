// Spectre v1: under mis-speculation a variable offset may have any value, so the program's rewriting masks it
// to a limit (alu_limit) that must be the same on all paths, and paths with a masked-out (zero) offset or a
// wrongly predicted jump are followed too. Nothing here applies to loaders that may read kernel memory anyway
// (CAP_PERFMON).
#include "verifier/domain/print.h"
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

enum class Reason { kNone, kBounds, kType, kPaths, kLimit };

constexpr const char* kProhibited = "pointer arithmetic with it prohibited for !root";

[[noreturn]] void reject_reason(Env& env, const Insn& in, Reason why) {
  const std::string_view op = in.op() == kAdd ? "add" : "sub";
  const u32 dst = in.dst, src = in.src;
  switch (why) {
    case Reason::kBounds:
      env.reject(EACCES, "R{} has unknown scalar with mixed signed bounds, {}", src, kProhibited);
    case Reason::kType:
      env.reject(EACCES, "R{} has pointer with unsupported alu operation, {}", dst, kProhibited);
    case Reason::kPaths:
      env.reject(EACCES, "R{} tried to {} from different maps, paths or scalars, {}", dst, op, kProhibited);
    default: env.reject(EACCES, "R{} tried to {} beyond pointer bounds, {}", dst, op, kProhibited);
  }
}

bool not_needed(const Env& env, const Insn& in) {
  return env.bypass_spec_v1 || !in.is_reg_src();
}

// How far the pointer may still move in the direction of the mask.
Reason pointer_limit(const RegState& ptr, bool to_left, u32& limit) {
  u32 max, room;
  if (is_exactly(ptr.type, RegBase::kStack)) {
    // Offset 0 is out of bounds but a fine start towards lower addresses.
    max = kMaxStackBytes + (to_left ? 1 : 0);
    room = static_cast<u32>(-(ptr.s.var_off.value + static_cast<u64>(s64{ptr.off})));
  } else if (is_exactly(ptr.type, RegBase::kMapValue)) {
    max = ptr.map->value_size;
    room = static_cast<u32>((to_left ? static_cast<u64>(ptr.s.smin) : ptr.s.umax) +
                            static_cast<u64>(s64{ptr.off}));
  } else {
    return Reason::kType;
  }
  if (room >= max) return Reason::kLimit;
  limit = room;
  return Reason::kNone;
}

// One state and limit for all paths.
Reason settle(u8& state, u32& limit, u8 new_state, u32 new_limit) {
  if (state && (state != new_state || limit != new_limit)) return Reason::kPaths;
  state = new_state;
  limit = new_limit;
  return Reason::kNone;
}

void forget_register(const Env& env, RegState& r) {
  const s32 subreg_def = r.subreg_def;
  set_unknown(env, r);
  r.subreg_def = subreg_def;
}

}  // namespace

void sanitize_scalar_alu(Env& env, const Insn& in) {
  if (not_needed(env, in)) return;
  InsnAux& aux = env.aux[env.insn_idx];
  const Reason why = settle(aux.alu_state, aux.alu_limit, kMaskNone, 0);
  if (why != Reason::kNone) reject_reason(env, in, why);
}

void push_speculative_path(Env& env, const Insn* in, u32 next_idx, u32 curr_idx) {
  PathState& st = push_branch(env, next_idx, static_cast<s32>(curr_idx), true);
  if (!in) return;
  Frame& f = st.mut_frame();
  forget_register(env, f.regs[in->dst]);
  if (in->is_reg_src()) forget_register(env, f.regs[in->src]);
}

void sanitize_ptr_alu(Env& env, const Insn& in, const RegState& ptr, const RegState& off, bool ptr_is_dst,
                      SanitizeInfo& info, bool commit) {
  if (not_needed(env, in)) return;
  const bool off_is_imm = off.s.is_const(), off_is_neg = off.s.smin < 0;
  // A speculative path came here through masked code already; only what follows is of interest.
  if (!env.cur->speculative) {
    if (!commit) {
      if (!off_is_imm && (off.s.smin < 0) != (off.s.smax < 0)) reject_reason(env, in, Reason::kBounds);
      info.mask_to_left = (in.op() == kAdd) == off_is_neg;
    }
    u32 limit = 0;
    Reason why = pointer_limit(ptr, info.mask_to_left, limit);
    if (why != Reason::kNone) reject_reason(env, in, why);
    if (commit) {
      // The window shrinks to what the pointer was seen to move.
      const s32 moved = static_cast<s32>(info.alu_limit - limit);
      InsnAux& aux = env.aux[env.insn_idx];
      why =
          settle(aux.alu_state, aux.alu_limit, info.alu_state, static_cast<u32>(moved < 0 ? -moved : moved));
    } else {
      const u8 state = static_cast<u8>((off_is_neg ? kMaskNegative : 0) | (off_is_imm ? kMaskConstant : 0) |
                                       (ptr_is_dst ? kMaskSrc : kMaskDst));
      // Other paths may bring other limits: prune only exact repetitions.
      if (!off_is_imm) env.explore_alu_limits = true;
      why = settle(info.alu_state, info.alu_limit, state, limit);
    }
    if (why != Reason::kNone) reject_reason(env, in, why);
  }
  // A constant needs no mask: it is rewritten to an immediate.
  if (commit || off_is_imm) return;
  // The mask may have made the offset zero: go on with the bare pointer (it sits in dst already).
  push_speculative_path(env, nullptr, env.insn_idx + 1, env.insn_idx);
}

void sanitize_check_bounds(Env& env, const Insn& in, u32 regno) {
  if (env.bypass_spec_v1) return;
  const RegState& r = env.reg(regno);
  if (is_exactly(r.type, RegBase::kStack)) {
    const s32 off = static_cast<s32>(static_cast<u64>(s64{r.off}) + r.s.var_off.value);
    if (!r.s.is_const())
      env.reject(EACCES, "R{} variable stack access prohibited for !root, var_off={} off={}", u32{in.dst},
                 tnum_strn(r.s.var_off), off);
    if (off >= 0 || off < -kMaxStackBytes)
      env.reject(EACCES, "R{} stack pointer arithmetic goes out of range, prohibited for !root; off={}",
                 u32{in.dst}, off);
  } else if (is_exactly(r.type, RegBase::kMapValue)) {
    try {
      check_map_value_access(env, regno, r.off, 1, false, Access::kRead);
    } catch (const Rejection&) {
      env.reject(EACCES, "R{} pointer arithmetic of map value goes out of range, prohibited for !root",
                 u32{in.dst});
    }
  }
}

}  // namespace osmia::verifier
