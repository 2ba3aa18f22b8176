// Arithmetic on registers. Scalars go through the domain; a pointer operand leads to pointer_alu.cpp. A copy
// of a scalar shares its id with the original, so that both learn from later comparisons; any other result
// belongs to nobody, save that adding a constant keeps the link with its distance.
#include "verifier/domain/alu.h"

#include "isa/validate.h"
#include "verifier/transfer/parts.h"

namespace osmia::verifier {

void check_fields_once(Env& env) {
  InsnAux& aux = env.aux[env.insn_idx];
  if (aux.fields_ok) return;
  const Insn* next = env.insn_idx + 1 < env.insns.size() ? &env.insns[env.insn_idx + 1] : nullptr;
  if (auto bad = isa::check_insn_fields(env.insn(), next)) env.reject_text(EINVAL, std::move(*bad));
  aux.fields_ok = true;
}

namespace {

using namespace isa;

bool is64(const Insn& in) {
  return in.cls() == kAlu64;
}

// Can the operator's result be computed? Shifts only by a known, valid amount; division, modulo never (as
// Linux).
bool is_computable(const Insn& in, const Scalar& src) {
  switch (in.op()) {
    case kAdd:
    case kSub:
    case kAnd:
    case kXor:
    case kOr:
    case kMul: return true;
    case kLsh:
    case kRsh:
    case kArsh: {
      const bool fixed = is64(in)
                             ? src.is_const() && src.smin == src.smax && src.umin == src.umax
                             : src.is_const32() && src.s32_min == src.s32_max && src.u32_min == src.u32_max;
      return fixed && src.umax < (is64(in) ? 64u : 32u);
    }
    default: return false;
  }
}

// `dst & K`, `dst | K` where dst is a smeared sign bit (0 or -1): the pending path has 0, this one -1.
void fork_sign_mask(Env& env, const Insn& in, AluOp op, const Scalar& src) {
  // A merged state would cover the pending part of itself, so it is not taken apart.
  const Fork fork = env.merger ? Fork::kNo : fork_before(op, env.reg(in.dst).s, src);
  if (fork == Fork::kNo) return;
  PathState& zero = push_branch(env, env.insn_idx, static_cast<s32>(env.insn_idx), false);
  RegState& there = zero.mut_frame().regs[in.dst];
  RegState& here = env.mut_reg(in.dst);
  if (fork == Fork::kWide) {
    set_known(there, 0);
    set_known(here, ~0ull);
  } else {
    there.s.set_known32(0);
    here.s.set_known32(~0u);
  }
}

void scalar_alu(Env& env, const Insn& in, const RegState& src) {
  if (!env.merger && !is_computable(in, src.s)) {
    mark_unknown(env, in.dst);
  } else {
    const bool is_signed = (in.op() == kDiv || in.op() == kMod) && in.off == 1;
    const AluOp op = static_cast<AluOp>(in.op() | (is_signed ? 1 : 0));
    if (op == AluOp::kAdd || op == AluOp::kSub) sanitize_scalar_alu(env, in);
    fork_sign_mask(env, in, op, src.s);
    alu(op, is64(in), env.mut_reg(in.dst).s, src.s, env.merger ? Precision::kNative : Precision::kLinux);
  }
  RegState& dst = env.mut_reg(in.dst);
  const bool self = in.is_reg_src() && in.src == in.dst;
  if (env.bpf_capable && in.op() == kAdd && is64(in) && dst.id && src.s.is_const() && !self) {
    const u64 k = src.s.const_value();
    // One distance only, and one that later sums of distances cannot overflow.
    if ((dst.id & kAddConst) || k > static_cast<u64>(INT32_MAX)) {
      clear_scalar_id(dst);
    } else {
      dst.id |= kAddConst;
      dst.off = static_cast<s32>(k);
    }
  } else {
    clear_scalar_id(dst);
  }
}

// Offsets into the arena wrap in 32 bits; every operator gives another arena pointer.
void arena_alu(Env& env, const Insn& in) {
  if (env.reg(in.dst).type.base != RegBase::kArena) env.mut_reg(in.dst) = RegState(env.reg(in.src));
  env.mut_reg(in.dst).subreg_def = static_cast<s32>(env.insn_idx) + 1;
  if (is64(in)) env.aux[env.insn_idx].arena_cast_needed = true;
}

bool is_arena(const RegState& r) {
  return is_exactly(r.type, RegBase::kArena);
}

void binary(Env& env, const Insn& in) {
  const bool by_reg = in.is_reg_src();
  if (by_reg) use_reg(env, in.src, RegUse::kRead);
  use_reg(env, in.dst, RegUse::kRead);
  use_reg(env, in.dst, RegUse::kWriteNoMark);

  if (is_arena(env.reg(in.dst)) || (by_reg && is_arena(env.reg(in.src)))) return arena_alu(env, in);
  const bool dst_is_ptr = !env.reg(in.dst).is_scalar();
  if (!by_reg) {
    RegState k;
    set_known(k, static_cast<u64>(static_cast<s64>(in.imm)));
    return dst_is_ptr ? pointer_alu(env, in, in.dst, k) : scalar_alu(env, in, k);
  }
  const bool src_is_ptr = !env.reg(in.src).is_scalar();
  if (src_is_ptr && dst_is_ptr) {
    // Only the difference of two pointers means something, and it is an address to the unprivileged.
    if (in.op() == kSub && env.allow_ptr_leaks) return mark_unknown(env, in.dst);
    env.reject(EACCES, "R{} pointer {} pointer prohibited", u32{in.dst}, alu_text(in.op()));
  }
  if (src_is_ptr) {
    mark_precise(env, in.dst);
    const RegState off = env.reg(in.dst);
    return pointer_alu(env, in, in.src, off);
  }
  if (dst_is_ptr) {
    mark_precise(env, in.src);
    const RegState off = env.reg(in.src);
    return pointer_alu(env, in, in.dst, off);
  }
  if (env.reg(in.dst).precise) mark_precise(env, in.src);  // an exact result needs exact operands
  const RegState src = env.reg(in.src);
  scalar_alu(env, in, src);
}

void unary(Env& env, const Insn& in) {
  use_reg(env, in.dst, RegUse::kRead);
  if (is_pointer_value(env, env.reg(in.dst)))
    env.reject(EACCES, "R{} pointer arithmetic prohibited", u32{in.dst});
  const RegState old = env.reg(in.dst);
  use_reg(env, in.dst, RegUse::kWrite);
  if (!env.merger || in.op() != kNeg || !old.is_scalar()) return;
  env.mut_reg(in.dst).s = old.s;
  alu(AluOp::kNeg, is64(in), env.mut_reg(in.dst).s, old.s, Precision::kNative);
}

// dst becomes a copy of scalar src; `linked` says that the value does not change, so both stay linked.
void copy_scalar(Env& env, const Insn& in, bool linked, s32 subreg_def) {
  if (linked) assign_scalar_id(env, in.src);
  RegState v = env.reg(in.src);
  if (!linked) clear_scalar_id(v);
  v.subreg_def = subreg_def;
  env.mut_reg(in.dst) = v;
  mark_reg_written(*env.cur, env.cur->curframe, in.dst);
}

bool fits_signed(const Scalar& s, int bits) {
  return s.umax < (1ull << (bits - 1));
}

void move64(Env& env, const Insn& in) {
  if (in.imm) {  // addr_space_cast
    mark_unknown(env, in.dst);
    if (in.imm != 1) return;
    RegState& r = env.mut_reg(in.dst);
    r.type = RegType(RegBase::kArena);
    r.subreg_def = static_cast<s32>(env.insn_idx) + 1;
    return;
  }
  if (in.off == 0) {
    assign_scalar_id(env, in.src);
    RegState v = env.reg(in.src);
    v.subreg_def = 0;
    env.mut_reg(in.dst) = v;
    mark_reg_written(*env.cur, env.cur->curframe, in.dst);
    return;
  }
  if (is_pointer_value(env, env.reg(in.src)))
    env.reject(EACCES, "R{} sign-extension part of pointer", u32{in.src});
  if (!env.reg(in.src).is_scalar()) return mark_unknown(env, in.dst);
  copy_scalar(env, in, fits_signed(env.reg(in.src).s, in.off), 0);
  movsx(true, in.off, env.mut_reg(in.dst).s);
}

void move32(Env& env, const Insn& in) {
  if (is_pointer_value(env, env.reg(in.src))) env.reject(EACCES, "R{} partial copy of pointer", u32{in.src});
  const s32 def = static_cast<s32>(env.insn_idx) + 1;
  if (!env.reg(in.src).is_scalar()) {
    mark_unknown(env, in.dst);
  } else if (in.off == 0) {
    copy_scalar(env, in, width_of(env.reg(in.src).s) <= 32, def);
  } else {
    copy_scalar(env, in, fits_signed(env.reg(in.src).s, in.off), def);
    movsx(false, in.off, env.mut_reg(in.dst).s);
    return;  // synced, upper half zero
  }
  env.mut_reg(in.dst).s.mov32();
}

void move(Env& env, const Insn& in) {
  if (in.is_reg_src()) {
    if (is64(in) && in.off == kAddrSpaceCast && !env.arena)
      env.reject(EINVAL, "addr_space_cast insn can only be used in a program that has an associated arena");
    use_reg(env, in.src, RegUse::kRead);
    use_reg(env, in.dst, RegUse::kWriteNoMark);
    return is64(in) ? move64(env, in) : move32(env, in);
  }
  use_reg(env, in.dst, RegUse::kWriteNoMark);
  mark_unknown(env, in.dst);
  set_known(env.mut_reg(in.dst),
            is64(in) ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm));
}

}  // namespace

void check_alu(Env& env) {
  const Insn in = env.insn();
  check_fields_once(env);
  switch (in.op()) {
    case kEnd:
    case kNeg: unary(env, in); break;
    case kMov: move(env, in); break;
    default: binary(env, in); break;
  }
  if (env.reg(in.dst).s.violation()) check_bounds_sanity(env, env.mut_reg(in.dst).s, "alu");
}

}  // namespace osmia::verifier
