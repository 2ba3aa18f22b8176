// Arithmetic.
#include <algorithm>

#include "jit/x86_64/emit.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

namespace {

s64 immediate(s64 v, u8 width) {
  return width == 64 ? v : static_cast<s32>(v);
}
InstId inst_of(Op op) {
  switch (op) {
    case Op::kAdd: return x86::Inst::kIdAdd;
    case Op::kSub: return x86::Inst::kIdSub;
    case Op::kAnd: return x86::Inst::kIdAnd;
    case Op::kOr: return x86::Inst::kIdOr;
    case Op::kXor: return x86::Inst::kIdXor;
    default: return x86::Inst::kIdImul;
  }
}

}  // namespace

void Emitter::binary(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  const Gp d = sized(target(v, x86::r10), w);
  const InstId inst = inst_of(n.op);
  if (f_->is_const(n.b)) {
    const s64 k = immediate(at(n.b).imm, w);
    if (fits32(k)) {
      if (n.op == Op::kAdd && place(n.a).kind == Place::kFrame) {
        a_.lea(d, x86::ptr(x86::rsp, static_cast<s32>(frame_ + k)));
        return done(v, d);
      }
      const Gp a = sized(use(n.a, x86::r11), w);
      const bool moved = a.id() != d.id();
      if (n.op == Op::kMul) {
        if (k == 3 || k == 5 || k == 9)
          a_.lea(d, x86::ptr(a.r64(), a.r64(), k == 3 ? 1 : k == 5 ? 2 : 3));
        else
          a_.imul(d, a, imm(k));
      } else if (n.op == Op::kAdd && moved) {
        a_.lea(d, x86::ptr(a.r64(), static_cast<s32>(k)));
      } else if (n.op == Op::kXor && k == -1) {
        if (moved) a_.mov(d, a);
        a_.not_(d);
      } else {
        if (moved) a_.mov(d, a);
        if (n.op == Op::kAdd && k == 128)
          a_.sub(d, -128);
        else
          a_.emit(inst, d, imm(k));
      }
      return done(v, d);
    }
  }
  // The result's own word in the frame can be changed where it is.
  const Place pv = place(v);
  if (pv.kind == Place::kSlot && n.op != Op::kMul && place(n.a).kind == Place::kSlot &&
      place(n.a).slot == pv.slot && !(at(n.b).flags & kFolded) && (w == 64 || at(n.a).bits <= 32)) {
    a_.emit(inst, word(pv.slot, w / 8u), sized(use(n.b, x86::r11), w));
    return;
  }
  Operand b = operand(n.b, w, x86::r11);
  if (b.isMem() && at(n.b).flags & kFolded && d.id() == kR10x) {  // its address may be in r10
    a_.emit(x86::Inst::kIdMov, sized(x86::r11, w), b);
    b = sized(x86::r11, w);
  }
  const bool b_reg = b.isReg();
  const u32 b_id = b_reg ? b.as<Gp>().id() : ~0u;
  const Place pa = place(n.a);
  if (b_reg && b_id == d.id() && !(pa.kind == Place::kReg && pa.reg == d.id())) {
    // The other way round (a subtraction's right side is never in the result's register).
    const Operand a = operand(n.a, w, x86::r11);
    a_.emit(inst, d, a);
    return done(v, d);
  }
  if (pa.kind == Place::kReg && pa.reg != d.id() && b_reg && n.op == Op::kAdd) {
    a_.lea(d, x86::ptr(gp(pa.reg), b.as<Gp>().r64()));
    return done(v, d);
  }
  if (!(pa.kind == Place::kReg && pa.reg == d.id())) {
    if (pa.kind == Place::kReg)
      a_.mov(d, gp(pa.reg, w));
    else
      use(n.a, d);
  }
  a_.emit(inst, d, b);
  done(v, d);
}

void Emitter::shift(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  const Gp d = sized(target(v, x86::r10), w);
  if (f_->is_const(n.b)) {
    const u32 by = static_cast<u32>(at(n.b).imm) & (w - 1u);
    const Gp a = sized(use(n.a, d), w);
    const bool moved = a.id() != d.id();
    if (n.op == Op::kRol && moved && cpu().bmi2) {
      a_.rorx(d, a, imm(w - by));
      return done(v, d);
    }
    if (n.op == Op::kShl && by == 1 && moved) {
      a_.lea(d, x86::ptr(a.r64(), a.r64()));
      return done(v, d);
    }
    if (moved) a_.mov(d, a);
    switch (n.op) {
      case Op::kShl: by == 1 ? a_.add(d, d) : a_.shl(d, imm(by)); break;
      case Op::kShr: a_.shr(d, imm(by)); break;
      case Op::kSar: a_.sar(d, imm(by)); break;
      default: a_.rol(d, imm(by));
    }
    return done(v, d);
  }
  const Gp count = sized(use(n.b, x86::r11), w);
  if (cpu().bmi2) {
    const Gp a = sized(use(n.a, x86::r10), w);
    n.op == Op::kShl ? a_.shlx(d, a, count) : n.op == Op::kShr ? a_.shrx(d, a, count) : a_.sarx(d, a, count);
    return done(v, d);
  }
  // The count goes into cl, whose owner waits in r11.
  const Gp t = sized(x86::r10, w);
  const Gp a = sized(use(n.a, x86::r10), w);
  if (a.id() != t.id()) a_.mov(t, a);
  a_.xchg(x86::rcx, x86::r11);
  if (count.id() == x86::rcx.id())
    a_.mov(x86::ecx, x86::r11d);
  else if (count.id() != x86::r11.id())
    a_.mov(x86::ecx, count.r32());
  n.op == Op::kShl ? a_.shl(t, x86::cl) : n.op == Op::kShr ? a_.shr(t, x86::cl) : a_.sar(t, x86::cl);
  if (w == 32) a_.mov(x86::r10d, x86::r10d);
  a_.mov(x86::rcx, x86::r11);
  a_.mov(d, t);
  done(v, d);
}

void Emitter::mul_high(Val v) {
  const Node& n = at(v);
  const Gp d = target(v, x86::r10);
  const bool is_signed = n.op == Op::kMulHiS;
  if (!is_signed && cpu().bmi2) {
    const Gp a = use(n.a, x86::r11);
    move(move_to({Place::kReg, kRdx, 0}, n.b));
    a_.mulx(d, x86::r10.id() == d.id() ? x86::r11 : x86::r10, a);
    return done(v, d);
  }
  const Gp a = use(n.a, x86::r11);
  move(move_to({Place::kReg, kRax, 0}, n.b));
  is_signed ? a_.imul(a) : a_.mul(a);
  if (d.id() != x86::rdx.id()) a_.mov(d, x86::rdx);
  done(v, d);
}

void Emitter::divide(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  const bool is_signed = n.op == Op::kSdiv || n.op == Op::kSmod;
  const bool modulo = n.op == Op::kMod || n.op == Op::kSmod;
  const Gp by = sized(use(n.b, x86::r11), w), rax = sized(x86::rax, w), rdx = sized(x86::rdx, w);
  const Gp d = sized(target(v, x86::r10), w);
  // The dividend is needed again where the divisor is zero: it stays in rax until the division.
  const Place pa = place(n.a);
  if (!(pa.kind == Place::kReg && pa.reg == kRax)) {
    if (pa.kind == Place::kReg)
      a_.mov(rax, gp(pa.reg, w));
    else
      move(move_to({Place::kReg, kRax, 0}, n.a));
  }
  Label back = a_.newLabel();
  if (!(n.flags & kNonZero)) {
    Label zero = a_.newLabel();
    a_.test(by, by);
    a_.jz(zero);
    cold_.push_back({Cold::kZero, zero, back, v, d, rax});
  }
  if (is_signed && !(f_->is_const(n.b) && at(n.b).imm != -1)) {
    Label minus = a_.newLabel();
    a_.cmp(by, -1);
    a_.je(minus);
    cold_.push_back({Cold::kMinusOne, minus, back, v, d, rax});
  }
  if (is_signed) {
    w == 64 ? a_.cqo() : a_.cdq();
    a_.idiv(by);
  } else {
    a_.xor_(x86::edx, x86::edx);
    a_.div(by);
  }
  const Gp result = modulo ? rdx : rax;
  if (d.id() != result.id()) a_.mov(d, result);
  a_.bind(back);
  done(v, d);
}

void Emitter::extend(Val v) {
  const Node& n = at(v);
  const Gp d = target(v, x86::r10);
  const bool in_place = n.op == Op::kNeg || n.op == Op::kBswap;
  if (in_place) {
    const u8 w = n.width;
    const Gp a = use(n.a, d);
    if (a.id() != d.id()) a_.mov(sized(d, w), sized(a, w));
    if (n.op == Op::kNeg) {
      a_.neg(sized(d, w));
    } else if (n.bytes == 2) {
      a_.rol(d.r16(), 8);
      a_.movzx(d.r32(), d.r16());
    } else {
      a_.bswap(sized(d, w));
    }
    return done(v, d);
  }
  const Gp a = use(n.a, x86::r11);
  if (n.op == Op::kZext) {
    switch (n.bytes) {
      case 1: a_.movzx(d.r32(), a.r8Lo()); break;
      case 2: a_.movzx(d.r32(), a.r16()); break;
      default: a_.mov(d.r32(), a.r32());
    }
  } else {
    switch (n.bytes) {
      case 1: a_.movsx(sized(d, n.width), a.r8Lo()); break;
      case 2: a_.movsx(sized(d, n.width), a.r16()); break;
      default: a_.movsxd(d, a.r32());
    }
  }
  done(v, d);
}

void Emitter::lea(Val v) {
  const Node& n = at(v);
  const Gp d = sized(target(v, x86::r10), n.width);
  a_.lea(d, address(n));
  done(v, d);
}

}  // namespace osmia::jit::x86_64
