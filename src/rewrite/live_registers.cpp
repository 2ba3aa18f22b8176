// Live registers: backwards until nothing changes. Two sets: registers whose low half somebody reads, and
// those whose upper half too. Calls read all their argument registers; a subprogram's callers get r0 and
// their own r6 to r10 back.
#include "isa/opcode_table.h"
#include "rewrite/operand_facts.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

struct Live {
  u16 any = 0, high = 0;
  void read(int r, bool wide) {
    any |= static_cast<u16>(1u << r);
    if (wide) high |= static_cast<u16>(1u << r);
  }
  void written(int r) {
    any &= static_cast<u16>(~(1u << r));
    high &= static_cast<u16>(~(1u << r));
  }
  bool wants_high(int r) const { return high >> r & 1; }
  void operator|=(const Live& o) {
    any |= o.any;
    high |= o.high;
  }
  friend bool operator==(const Live&, const Live&) = default;
};

// Low bits of an operation's result depend on low bits of its operands only.
bool low_from_low(u8 op) {
  switch (op) {
    case kAdd:
    case kSub:
    case kMul:
    case kOr:
    case kAnd:
    case kXor: return true;
    default: return false;
  }
}

// What is live before an instruction, of what is live after it (or where it jumps to).
Live before(const Insn& in, const OpInfo& op, Live l) {
  const bool is32 = op.width <= 32;
  const bool reg = op.reg_src();
  switch (op.kind) {
    case OpKind::kMov: {
      const bool wide = !is32 && l.wants_high(in.dst);
      l.written(in.dst);
      if (reg) l.read(in.src, wide);
      break;
    }
    case OpKind::kMovSx:
      l.written(in.dst);
      l.read(in.src, false);
      break;
    case OpKind::kMovPercpu:
    case OpKind::kAddrSpaceCast:
      l.written(in.dst);
      l.read(in.src, true);
      break;
    case OpKind::kAlu:
    case OpKind::kNeg: {
      const u8 o = in.op();
      const bool wide = !is32 && (l.wants_high(in.dst) || (op.kind == OpKind::kAlu && !low_from_low(o)));
      l.written(in.dst);
      l.read(in.dst, wide);
      if (op.kind == OpKind::kAlu && reg) l.read(in.src, wide);
      break;
    }
    case OpKind::kEndian:
    case OpKind::kBswap:
      l.written(in.dst);
      l.read(in.dst, in.imm == 64);
      break;
    case OpKind::kLoad:
    case OpKind::kLoadSx:
      l.written(in.dst);
      l.read(in.src, true);
      break;
    case OpKind::kStore:
      l.read(in.dst, true);
      l.read(in.src, in.size_bits() == kDw);
      break;
    case OpKind::kStoreImm: l.read(in.dst, true); break;
    case OpKind::kAtomic: {
      const bool wide = in.size_bits() == kDw;
      if (in.imm == kCmpxchg)
        l.written(kR0);
      else if (in.imm & kFetch)
        l.written(in.src);
      l.read(in.dst, true);
      l.read(in.src, wide);
      if (in.imm == kCmpxchg) l.read(kR0, wide);
      break;
    }
    case OpKind::kLdImm64: l.written(in.dst); break;
    case OpKind::kJcc:
      l.read(in.dst, !is32);
      if (reg) l.read(in.src, !is32);
      break;
    case OpKind::kCall:
    case OpKind::kTailCall:
    case OpKind::kLdAbs:
    case OpKind::kLdInd:
      for (int r = kR0; r <= kR5; r++) l.written(r);
      for (int r = kR1; r <= kR5; r++) l.read(r, true);
      break;
    case OpKind::kExit:
      l = {};
      l.read(kR0, true);
      break;
    default: break;
  }
  return l;
}

}  // namespace

void find_live_registers(const ExecProgram& p, std::vector<OperandFacts>& out) {
  const auto& insns = p.insns;
  std::vector<Live> at(insns.size() + 1);  // before each instruction, so far
  const auto target = [&](s64 t) { return t >= 0 && t < static_cast<s64>(insns.size()) ? at[t] : Live{}; };
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = insns.size(); i-- > 0;) {
      if (i && is_ld_imm64(insns[i - 1])) continue;  // a second half
      const Insn& in = insns[i];
      const OpInfo* op = lookup(in);
      if (!op) continue;
      const s64 next = static_cast<s64>(i) + (is_ld_imm64(in) ? 2 : 1);
      Live after;
      if (op->kind == OpKind::kJa || op->kind == OpKind::kJaLong)
        after = target(next + (op->kind == OpKind::kJa ? in.off : in.imm));
      else
        after = target(next);
      if (op->kind == OpKind::kJcc || op->kind == OpKind::kMayGoto) after |= target(next + in.off);
      out[i].live = after.any;
      out[i].live_high = after.high;
      const Live now = before(in, *op, after);
      changed |= now != at[i];
      at[i] = now;
    }
  }
}

std::vector<OperandFacts> operand_facts(const ExecProgram& program) {
  std::vector<OperandFacts> out(program.insns.size());
  find_value_ranges(program, out);
  find_live_registers(program, out);
  return out;
}

}  // namespace osmia::rewrite
