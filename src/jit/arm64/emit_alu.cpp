// Arithmetic.
#include "jit/arm64/emit.h"

namespace osmia::jit::arm64 {

using namespace asmjit;

namespace {

u64 immediate(s64 v, u8 width) {
  return width == 64 ? static_cast<u64>(v) : static_cast<u32>(v);
}
u64 negated(u64 v, u8 width) {
  return width == 64 ? 0 - v : static_cast<u32>(0 - v);
}
InstId inst_of(Op op) {
  switch (op) {
    case Op::kAdd: return a64::Inst::kIdAdd;
    case Op::kSub: return a64::Inst::kIdSub;
    case Op::kAnd: return a64::Inst::kIdAnd;
    case Op::kOr: return a64::Inst::kIdOrr;
    case Op::kXor: return a64::Inst::kIdEor;
    default: return a64::Inst::kIdMul;
  }
}

}  // namespace

Emitter::Right Emitter::right(Val v, u8 width, const Gp& scratch) {
  const Node& n = at(v);
  if (!(n.flags & kFolded)) return {sized(use_or_zero(v, scratch), width)};
  const u32 by = static_cast<u32>(at(n.b).imm) & (width - 1u);
  switch (n.op) {
    case Op::kShl: return {sized(use(n.a, scratch), width), arm::lsl(by), true};
    case Op::kShr: return {sized(use(n.a, scratch), width), arm::lsr(by), true};
    case Op::kSar: return {sized(use(n.a, scratch), width), arm::asr(by), true};
    default: return {sized(use(n.a, scratch), width), arm::ror((width - by) & (width - 1u)), true};
  }
}

// A field of bits: (x >> k) & mask, (x & mask) << k; mask may be an extension. Is `v` one?
bool Emitter::field(Val v) {
  const Node &n = at(v), &inner = at(n.a);
  if (!(inner.flags & kFolded)) return false;
  const Gp d = target(v, a64::x16), x = use(inner.a, a64::x16);
  if (n.op == Op::kShl) {
    const u8 w = n.width;
    a_.ubfiz(sized(d, w), sized(x, w), imm(at(n.b).imm), imm(field_bits(*f_, inner)));
  } else {
    const u8 w = inner.width;
    a_.ubfx(sized(d, w), sized(x, w), imm(at(inner.b).imm), imm(field_bits(*f_, n)));
  }
  done(v, d);
  return true;
}

void Emitter::binary(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  if (n.op == Op::kAnd && f_->is_const(n.b) && field(v)) return;
  const Gp d = sized(target(v, a64::x16), w);
  const InstId inst = inst_of(n.op);
  if (f_->is_const(n.b)) {
    const u64 k = immediate(at(n.b).imm, w);
    if (n.op == Op::kAdd && place(n.a).kind == Place::kFrame) {
      add_constant(a_, d, a64::sp, at(n.b).imm + frame_, a64::x17);
      return done(v, d);
    }
    const bool sum = n.op == Op::kAdd || n.op == Op::kSub;
    const bool turned = sum && !fits_add(k) && fits_add(negated(k, w));
    if (sum ? fits_add(k) || turned : n.op != Op::kMul && fits_logical(k, w)) {
      const Gp a = sized(use(n.a, a64::x16), w);
      if (turned)
        n.op == Op::kAdd ? a_.sub(d, a, imm(negated(k, w))) : a_.add(d, a, imm(negated(k, w)));
      else
        a_.emit(inst, d, a, imm(k));
      return done(v, d);
    }
  }
  if (n.op == Op::kMul) {
    if (const u32 by = sum_with_shift(*f_, n)) {
      const Gp a = sized(use(n.a, a64::x16), w);
      a_.add(d, a, a, arm::lsl(by));
      return done(v, d);
    }
    a_.mul(d, sized(use(n.a, a64::x16), w), sized(use(n.b, a64::x17), w));
    return done(v, d);
  }
  // The product folded into a sum.
  if (at(n.b).flags & kFolded && at(n.b).op == Op::kMul) {
    const Node& product = at(n.b);
    const Gp x = sized(use(product.a, a64::x16), w), y = sized(use(product.b, a64::x17), w);
    if (place(n.a).kind == Place::kReg) {
      const Gp a = gp(place(n.a).reg, w);
      n.op == Op::kAdd ? a_.madd(d, x, y, a) : a_.msub(d, x, y, a);
    } else {
      a_.mul(sized(a64::x16, w), x, y);
      a_.emit(inst, d, sized(use(n.a, a64::x17), w), sized(a64::x16, w));
    }
    return done(v, d);
  }
  const Gp a = sized(use_or_zero(n.a, a64::x16), w);
  const Right b = right(n.b, w, a64::x17);
  b.shifted ? a_.emit(inst, d, a, b.reg, Imm(b.shift)) : a_.emit(inst, d, a, b.reg);
  done(v, d);
}

void Emitter::shift(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  if (n.op == Op::kShl && f_->is_const(n.b) && field(v)) return;
  const Gp d = sized(target(v, a64::x16), w);
  if (f_->is_const(n.b)) {
    const u32 by = static_cast<u32>(at(n.b).imm) & (w - 1u);
    const Gp a = sized(use(n.a, a64::x16), w);
    switch (n.op) {
      case Op::kShl: a_.lsl(d, a, imm(by)); break;
      case Op::kShr: a_.lsr(d, a, imm(by)); break;
      case Op::kSar: a_.asr(d, a, imm(by)); break;
      default: a_.ror(d, a, imm((w - by) & (w - 1u)));
    }
    return done(v, d);
  }
  const Gp a = sized(use(n.a, a64::x16), w), count = sized(use(n.b, a64::x17), w);
  switch (n.op) {
    case Op::kShl: a_.lsl(d, a, count); break;
    case Op::kShr: a_.lsr(d, a, count); break;
    default: a_.asr(d, a, count);
  }
  done(v, d);
}

void Emitter::mul_high(Val v) {
  const Node& n = at(v);
  const Gp d = target(v, a64::x16), a = use(n.a, a64::x16), b = use(n.b, a64::x17);
  n.op == Op::kMulHiS ? a_.smulh(d, a, b) : a_.umulh(d, a, b);
  done(v, d);
}

// The processor gives x / 0 = 0 and MIN / -1 = MIN; x - 0 * 0 = x and MIN - MIN * -1 = 0 follow.
void Emitter::divide(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  const bool is_signed = n.op == Op::kSdiv || n.op == Op::kSmod;
  const bool modulo = n.op == Op::kMod || n.op == Op::kSmod;
  const Gp d = sized(target(v, a64::x16), w);
  const Gp a = sized(use(n.a, a64::x16), w), by = sized(use(n.b, a64::x17), w);
  if (!modulo) {
    is_signed ? a_.sdiv(d, a, by) : a_.udiv(d, a, by);
    return done(v, d);
  }
  // Both sides are needed again.
  const bool both = a.id() == a64::x16.id() && by.id() == a64::x17.id();
  const Gp q = sized(a.id() == a64::x16.id() && !both ? a64::x17 : a64::x16, w);
  is_signed ? a_.sdiv(q, a, by) : a_.udiv(q, a, by);
  if (!both) {
    a_.msub(d, q, by, a);
  } else {
    a_.mul(q, q, by);
    a_.sub(d, sized(use(n.a, a64::x17), w), q);
  }
  done(v, d);
}

void Emitter::extend(Val v) {
  const Node& n = at(v);
  if (n.op == Op::kZext && field(v)) return;
  const Gp to = target(v, a64::x16), d = sized(to, n.width), a = use(n.a, a64::x16);
  switch (n.op) {
    case Op::kNeg: a_.neg(d, sized(a, n.width)); break;
    case Op::kBswap:
      if (n.bytes == 2) {
        a_.rev16(to.w(), a.w());
        a_.uxth(to.w(), to.w());
      } else {
        n.bytes == 8 ? a_.rev(to, a) : a_.rev(to.w(), a.w());
      }
      break;
    case Op::kZext:
      n.bytes == 1 ? a_.uxtb(to.w(), a.w()) : n.bytes == 2 ? a_.uxth(to.w(), a.w()) : a_.mov(to.w(), a.w());
      break;
    default:
      if (n.bytes == 4)
        n.width == 64 ? a_.sxtw(to, a.w()) : a_.mov(to.w(), a.w());
      else
        n.bytes == 1 ? a_.sxtb(d, a.w()) : a_.sxth(d, a.w());
  }
  done(v, to);
}

}  // namespace osmia::jit::arm64
