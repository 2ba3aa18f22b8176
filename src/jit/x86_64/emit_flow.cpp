// Branches, calls, moves.
#include "jit/x86_64/emit.h"

#include "base/bits.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

void Emitter::compare(const Node& n, Cc& cc, const Gp& scratch) {
  const u8 w = n.width;
  const s64 k = f_->is_const(n.b) ? sign_extend(static_cast<u64>(at(n.b).imm), w) : 0;
  const bool constant = f_->is_const(n.b) && fits32(k);
  if (cc == Cc::kTestNz || cc == Cc::kTestZ) {
    Operand a = operand(n.a, w, scratch);
    if (!constant && a.isMem() && place(n.b).kind != Place::kReg) {
      a_.emit(x86::Inst::kIdMov, sized(scratch, w), a);
      a = sized(scratch, w);
    }
    if (constant && a.isReg() && !(k & ~s64{0xff}))  // only whether all is zero is asked
      a_.emit(x86::Inst::kIdTest, sized(a.as<Gp>(), 8), imm(static_cast<s8>(k)));
    else if (constant)
      a_.emit(x86::Inst::kIdTest, a, imm(k));
    else
      a_.emit(x86::Inst::kIdTest, a, sized(use(n.b, x86::r11), w));
    return;
  }
  if (constant && k == 0) {
    if (cc == Cc::kUgt) cc = Cc::kNe;
    if (cc == Cc::kUle) cc = Cc::kEq;
    if (!(at(n.a).flags & kFolded) && place(n.a).kind != Place::kSlot &&
        (cc == Cc::kEq || cc == Cc::kNe || cc == Cc::kSlt || cc == Cc::kSge)) {
      const Gp a = sized(use(n.a, scratch), w);
      a_.test(a, a);
      return;
    }
  }
  Operand a = operand(n.a, w, scratch);
  if (constant) {
    a_.emit(x86::Inst::kIdCmp, a, imm(k));
    return;
  }
  if (a.isMem() && at(n.a).flags & kFolded &&
      place(n.b).kind != Place::kReg) {  // both scratch registers may be in it
    a_.emit(x86::Inst::kIdMov, sized(scratch, w), a);
    a = sized(scratch, w);
  }
  Operand b = operand(n.b, w, x86::r11);
  if (a.isMem() && b.isMem()) b = sized(use(n.b, x86::r11), w);
  a_.emit(x86::Inst::kIdCmp, a, b);
}

void Emitter::compare_and_jump(const Node& n, Cc cc, const Label& to) {
  static constexpr InstId kJumps[] = {x86::Inst::kIdJz,  x86::Inst::kIdJnz, x86::Inst::kIdJb,
                                      x86::Inst::kIdJae, x86::Inst::kIdJbe, x86::Inst::kIdJa,
                                      x86::Inst::kIdJl,  x86::Inst::kIdJge, x86::Inst::kIdJle,
                                      x86::Inst::kIdJg,  x86::Inst::kIdJz,  x86::Inst::kIdJnz};
  compare(n, cc, x86::r10);
  a_.emit(kJumps[static_cast<u8>(cc)], to);
}

void Emitter::switch_on(Val v, const Table& t, const Label& table, const Label& other) {
  const Node& n = at(v);
  Gp index = use(n.a, x86::r10);
  if (t.low || (t.width == 32 && at(n.a).bits > 32)) {
    a_.lea(sized(x86::r10, t.width), x86::ptr(index, static_cast<s32>(-t.low)));
    index = x86::r10;
  }
  if (t.checked) {
    a_.cmp(sized(index, t.width), imm(t.entries.size() - 1));
    a_.ja(other);
  }
  a_.lea(x86::r11, x86::ptr(table));
  a_.movsxd(x86::r10, x86::dword_ptr(x86::r11, index, 2));
  a_.add(x86::r11, x86::r10);
  a_.jmp(x86::r11);
}

void Emitter::jump(const Label& to) {
  a_.jmp(to);
}

void Emitter::count_round(const Label& stay) {
  a_.inc(word(rounds_word_, 4));
  a_.cmp(word(rounds_word_, 4), kMayGotoLimit);
  a_.jbe(stay);
}

void Emitter::call_native(const void* fn) {
  load_constant(a_, x86::rax, reinterpret_cast<u64>(fn));
  a_.call(x86::rax);
}

void Emitter::call_subprog(u32 s) {
  if (info_[s].tail_calls) a_.mov(x86::r9, word(counter_word_));
  a_.call(out_.entries[s]);
}

// The frame goes before the target runs.
void Emitter::tail_call(Val v) {
  const Node& n = at(v);
  const Val* args = &f_->args[n.extra];
  moves({move_to({Place::kSlot, 0, ctx_word_}, args[0]), move_to({Place::kReg, kRdi, 0}, args[1]),
         move_to({Place::kReg, kRsi, 0}, args[2])});
  a_.mov(x86::esi, x86::esi);
  a_.mov(x86::rdx, word(counter_word_));
  call_native(reinterpret_cast<const void*>(out_.options.tail_call));
  Label fails = a_.newLabel();
  a_.test(x86::rax, x86::rax);
  a_.jz(fails);
  a_.mov(x86::rdi, word(ctx_word_));
  a_.mov(x86::r9, word(counter_word_));
  epilogue();
  a_.jmp(x86::rax);
  a_.bind(fails);
  move({place(v), {Place::kConst, 0, 0}, -2});  // ENOENT
}

void Emitter::ret() {
  a_.ret();
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
      case Place::kSlot: a_.mov(to, word(m.from.slot)); break;
      case Place::kFrame: a_.lea(to, x86::ptr(x86::rsp, static_cast<s32>(frame_))); break;
      default: load_constant(a_, to, static_cast<u64>(m.imm));
    }
    return;
  }
  switch (m.from.kind) {
    case Place::kReg: a_.mov(word(m.to.slot), gp(m.from.reg)); return;
    case Place::kConst:
      if (fits32(m.imm)) {
        a_.mov(word(m.to.slot), imm(m.imm));
        return;
      }
      load_constant(a_, x86::r10, static_cast<u64>(m.imm));
      break;
    case Place::kSlot: a_.mov(x86::r10, word(m.from.slot)); break;
    case Place::kFrame: a_.lea(x86::r10, x86::ptr(x86::rsp, static_cast<s32>(frame_))); break;
    default: return;
  }
  a_.mov(word(m.to.slot), x86::r10);
}

}  // namespace osmia::jit::x86_64
