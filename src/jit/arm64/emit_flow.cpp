// Branches, calls, moves.
#include "jit/arm64/emit.h"

namespace osmia::jit::arm64 {

using namespace asmjit;

void Emitter::compare_and_jump(const Node& n, Cc cc, const Label& to) {
  static constexpr arm::CondCode kConditions[] = {arm::CondCode::kEQ, arm::CondCode::kNE, arm::CondCode::kLO,
                                                  arm::CondCode::kHS, arm::CondCode::kLS, arm::CondCode::kHI,
                                                  arm::CondCode::kLT, arm::CondCode::kGE, arm::CondCode::kLE,
                                                  arm::CondCode::kGT, arm::CondCode::kEQ, arm::CondCode::kNE};
  const u8 w = n.width;
  const bool test = cc == Cc::kTestNz || cc == Cc::kTestZ, constant = f_->is_const(n.b);
  const u64 k = !constant ? 0 : w == 64 ? static_cast<u64>(at(n.b).imm) : static_cast<u32>(at(n.b).imm);
  const u64 minus = w == 64 ? 0 - k : static_cast<u32>(0 - k);
  const Gp a = sized(use(n.a, a64::x16), w);
  if (constant && !k && !test) {
    if (cc == Cc::kUgt) cc = Cc::kNe;
    if (cc == Cc::kUle) cc = Cc::kEq;
    if (cc == Cc::kEq || cc == Cc::kNe) {
      cc == Cc::kEq ? a_.cbz(a, to) : a_.cbnz(a, to);
      return;
    }
  }
  const bool near = out_.program.insns.size() < 500;  // tbz reaches 32 KiB
  if (near && test && constant && k && !(k & (k - 1))) {
    const Imm bit(__builtin_ctzll(k));
    cc == Cc::kTestZ ? a_.tbz(a, bit, to) : a_.tbnz(a, bit, to);
    return;
  }
  if (near && constant && !k && (cc == Cc::kSlt || cc == Cc::kSge)) {
    cc == Cc::kSge ? a_.tbz(a, imm(w - 1), to) : a_.tbnz(a, imm(w - 1), to);
    return;
  }
  if (test && constant && fits_logical(k, w))
    a_.tst(a, imm(k));
  else if (test)
    a_.tst(a, sized(use(n.b, a64::x17), w));
  else if (constant && fits_add(k))
    a_.cmp(a, imm(k));
  else if (constant && fits_add(minus))
    a_.cmn(a, imm(minus));
  else
    a_.cmp(a, sized(use(n.b, a64::x17), w));
  a_.b(kConditions[static_cast<u8>(cc)], to);
}

void Emitter::switch_on(Val v, const Table& t, const Label& table, const Label& other) {
  const Node& n = at(v);
  Gp index = use(n.a, a64::x17);
  if (t.low) {
    add_constant(a_, sized(a64::x17, t.width), sized(index, t.width), -t.low, sized(a64::x16, t.width));
    index = a64::x17;
  } else if (t.width == 32 && at(n.a).bits > 32) {
    a_.mov(a64::w17, index.w());
    index = a64::x17;
  }
  if (t.checked) {
    a_.cmp(sized(index, t.width), imm(t.entries.size() - 1));
    a_.b_hi(other);
  }
  a_.adr(a64::x16, table);
  a_.ldrsw(a64::x17, a64::ptr(a64::x16, index.x(), arm::lsl(2)));
  a_.add(a64::x16, a64::x16, a64::x17);
  a_.br(a64::x16);
}

void Emitter::jump(const Label& to) {
  a_.b(to);
}

void Emitter::count_round(const Label& stay) {
  static_assert(!(kMayGotoLimit & 0xfff) && kMayGotoLimit < 0x1000000);
  a_.ldr(a64::w16, word(rounds_word_));
  a_.add(a64::w16, a64::w16, imm(1));
  a_.str(a64::w16, word(rounds_word_));
  a_.cmp(a64::w16, imm(kMayGotoLimit));
  a_.b_ls(stay);
}

void Emitter::call_native(const void* fn) {
  load_constant(a_, a64::x16, reinterpret_cast<u64>(fn));
  a_.blr(a64::x16);
}

void Emitter::call_subprog(u32 s) {
  if (info_[s].tail_calls) a_.ldr(a64::x5, word(counter_word_));
  a_.bl(out_.entries[s]);
}

// The frame goes before the target runs.
void Emitter::tail_call(Val v) {
  const Node& n = at(v);
  const Val* args = &f_->args[n.extra];
  moves({move_to({Place::kSlot, 0, ctx_word_}, args[0]), move_to({Place::kReg, 0, 0}, args[1]),
         move_to({Place::kReg, 1, 0}, args[2])});
  a_.mov(a64::w1, a64::w1);
  a_.ldr(a64::x2, word(counter_word_));
  call_native(reinterpret_cast<const void*>(out_.options.tail_call));
  Label fails = a_.newLabel();
  a_.cbz(a64::x0, fails);
  a_.mov(a64::x16, a64::x0);
  a_.ldr(a64::x0, word(ctx_word_));
  a_.ldr(a64::x5, word(counter_word_));
  epilogue();
  a_.br(a64::x16);
  a_.bind(fails);
  move({place(v), {Place::kConst, 0, 0}, -2});  // ENOENT
}

void Emitter::ret() {
  a_.ret(a64::x30);
}

void Emitter::callback_thunk(u32 s, bool counts) {
  emit_callback_thunk(out_, a_, s, counts);
}

void Emitter::move(const Move& m) {
  if (same(m.to, m.from) || m.to.kind == Place::kNone) return;
  if (m.to.kind == Place::kReg) {
    const Gp to = gp(m.to.reg);
    switch (m.from.kind) {
      case Place::kReg: a_.mov(to, gp(m.from.reg)); break;
      case Place::kSlot: a_.ldr(to, word(m.from.slot)); break;
      case Place::kFrame: add_constant(a_, to, a64::sp, frame_, to); break;
      default: load_constant(a_, to, static_cast<u64>(m.imm));
    }
    return;
  }
  Gp from = a64::x16;
  switch (m.from.kind) {
    case Place::kReg: from = gp(m.from.reg); break;
    case Place::kConst:
      if (m.imm)
        load_constant(a_, from, static_cast<u64>(m.imm));
      else
        from = a64::xzr;
      break;
    case Place::kSlot: a_.ldr(from, word(m.from.slot)); break;
    case Place::kFrame: add_constant(a_, from, a64::sp, frame_, from); break;
    default: return;
  }
  a_.str(from, word(m.to.slot));
}

}  // namespace osmia::jit::arm64
