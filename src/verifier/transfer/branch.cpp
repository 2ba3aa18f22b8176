// Conditional jumps. If the condition is decided, only one edge is followed (and both operands mattered: they
// are precise). Else the other edge becomes a pending path, and on each edge the operands, whatever is linked
// to them, and null or packet checks learn what the condition says.
#include "verifier/domain/branch.h"

#include "verifier/log/log.h"
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

using namespace isa;

void print_state(Env& env) {
  if (env.log_states()) print_insn_state(env, *env.cur);
}

// may_goto: the runtime may refuse to go on, so both edges are possible; falling through is another
// iteration.
void may_goto(Env& env, const Insn& in) {
  if (in.code != (static_cast<u8>(kJmp) | static_cast<u8>(kJcond)) || in.src != kMayGoto || in.dst ||
      in.imm || in.off == 0)
    env.reject(EINVAL, "invalid may_goto off {} imm {}", in.off, in.imm);
  const PathState* before = env.cur->parent ? previous_entry(env, *env.cur->parent, env.insn_idx) : nullptr;
  PathState& again = push_branch(env, env.insn_idx + 1, static_cast<s32>(env.insn_idx), false);
  again.may_goto_depth++;
  if (before) widen_imprecise(env, *before, again);
  env.insn_idx += static_cast<u32>(s32{in.off});
}

int decide(const Env& env, const RegState& a, const RegState& b, u8 op, bool is32) {
  if (a.is_any_packet() && b.is_any_packet() && !is32) return packet_branch_taken(a, b, op);
  if (!a.is_scalar() || !b.is_scalar()) return is32 ? -1 : pointer_branch_taken(env, a, b, op);
  return branch_taken(static_cast<CmpOp>(op), is32, a.s, b.s);
}

// Where both operands are one register, what either side learnt holds of it.
Scalar meet(Scalar a, const Scalar& b) {
  tighten(a.smin, a.smax, b.smin, b.smax);
  tighten(a.umin, a.umax, b.umin, b.umax);
  tighten(a.s32_min, a.s32_max, b.s32_min, b.s32_max);
  tighten(a.u32_min, a.u32_max, b.u32_min, b.u32_max);
  a.sync();
  return a;
}

struct Edge {
  Scalar a, b;
};

void refine_operands(Env& env, PathState& taken, const Insn& in, const RegState& imm) {
  const bool is32 = in.cls() == kJmp32, by_reg = in.is_reg_src();
  const RegState& d = env.reg(in.dst);
  const RegState& s = by_reg ? env.reg(in.src) : imm;
  if (!d.is_scalar() || !s.is_scalar()) return;
  const CmpOp op = static_cast<CmpOp>(in.op());
  Edge fall{d.s, s.s}, take{d.s, s.s};
  refine(invert(op), is32, fall.a, fall.b);
  refine(op, is32, take.a, take.b);
  const bool self = by_reg && in.src == in.dst;
  if (self) {
    fall.a = fall.b = meet(fall.a, fall.b);
    take.a = take.b = meet(take.a, take.b);
  }
  check_bounds_sanity(env, take.a, "true_reg1");
  check_bounds_sanity(env, take.b, "true_reg2");
  check_bounds_sanity(env, fall.a, "false_reg1");
  check_bounds_sanity(env, fall.b, "false_reg2");
  Frame& here = env.cur->mut_frame();
  Frame& there = taken.mut_frame();
  here.regs[in.dst].s = fall.a;
  there.regs[in.dst].s = take.a;
  if (by_reg && !self) {
    here.regs[in.src].s = fall.b;
    there.regs[in.src].s = take.b;
  }
}

void sync_operand(Env& env, PathState& taken, u32 regno, const LinkedRegs& linked) {
  const RegState& r = env.reg(regno);
  if (!r.is_scalar() || !r.id) return;
  const RegState here = r, there = taken.frame().regs[regno];
  sync_linked_regs(*env.cur, here, linked);
  sync_linked_regs(taken, there, linked);
}

bool compares_with_null(const Insn& in) {
  return in.cls() == kJmp && !in.is_reg_src() && in.imm == 0 && (in.op() == kJeq || in.op() == kJne);
}

}  // namespace

void check_cond_jump(Env& env) {
  const Insn in = env.insn();
  const u32 idx = env.insn_idx, target = idx + static_cast<u32>(s32{in.off}) + 1;
  const u8 op = in.op();
  if (op == kJa || op > kJcond) env.reject(EINVAL, "invalid BPF_JMP/JMP32 opcode {:x}", op);
  if (op == kJcond) return may_goto(env, in);

  const bool by_reg = in.is_reg_src(), is32 = in.cls() == kJmp32;
  use_reg(env, in.dst, RegUse::kRead);
  RegState imm;
  u16 flags = 0;
  if (by_reg) {
    if (in.imm != 0) env.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields");
    use_reg(env, in.src, RegUse::kRead);
    const RegState &d = env.reg(in.dst), &s = env.reg(in.src);
    if (!(d.is_any_packet() && s.is_any_packet()) && is_pointer_value(env, s))
      env.reject(EACCES, "R{} pointer comparison prohibited", u32{in.src});
    if (is_exactly(s.type, RegBase::kStack)) flags |= kHistSrcIsStackPtr;
  } else {
    if (in.src != 0) env.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields");
    set_known(imm, static_cast<u64>(s64{in.imm}));
  }
  if (is_exactly(env.reg(in.dst).type, RegBase::kStack)) flags |= kHistDstIsStackPtr;
  if (flags) push_history(env, flags);

  const int pred = decide(env, env.reg(in.dst), by_reg ? env.reg(in.src) : imm, op, is32);
  if (pred >= 0) {
    if (env.reg(in.dst).is_scalar()) mark_precise(env, in.dst);
    if (by_reg && env.reg(in.src).is_scalar()) mark_precise(env, in.src);
    // The edge not taken is followed as the processor may: with unknown operands.
    if (!env.bypass_spec_v1) push_speculative_path(env, &in, pred ? idx + 1 : target, idx);
    print_state(env);
    if (pred) env.insn_idx = target - 1;
    return;
  }

  // Linked registers are recorded before the path splits, so that both parts share the record.
  LinkedRegs linked;
  const auto collect = [&](u32 regno) {
    const RegState& r = env.reg(regno);
    if (r.is_scalar() && r.id) collect_linked_regs(*env.cur, r.id, linked);
  };
  if (by_reg) collect(in.src);
  collect(in.dst);
  if (linked.count > 1) push_history(env, 0, linked.pack());

  PathState& taken = push_branch(env, target, static_cast<s32>(idx), false);
  refine_operands(env, taken, in, imm);
  if (by_reg) sync_operand(env, taken, in.src, linked);
  sync_operand(env, taken, in.dst, linked);

  const RegState dst = env.reg(in.dst);
  const RegState src = by_reg ? env.reg(in.src) : imm;
  if (by_reg && !is32) propagate_nullness(env, *env.cur, taken, in, dst, src);
  if (compares_with_null(in) && dst.type.maybe_null()) {
    const u32 f = env.cur->curframe;
    mark_ptr_or_null_regs(env, *env.cur, f, in.dst, op == kJne);
    mark_ptr_or_null_regs(env, taken, f, in.dst, op == kJeq);
  } else if (!match_packet_end(env, *env.cur, taken, in, dst, src) &&
             is_pointer_value(env, env.reg(in.dst))) {
    env.reject(EACCES, "R{} pointer comparison prohibited", u32{in.dst});
  }
  print_state(env);
}

}  // namespace osmia::verifier
