// What BPF's arithmetic and comparisons mean (RFC 9669, section 4) over any word type: the yardstick of the
// soundness tests and proofs, written apart from the domain.
#pragma once
#include "verifier/domain/alu.h"
#include "verifier/domain/branch.h"

namespace osmia::verifier::test {

inline constexpr AluOp kAluOps[] = {AluOp::kAdd, AluOp::kSub,  AluOp::kMul, AluOp::kDiv, AluOp::kSdiv,
                                    AluOp::kOr,  AluOp::kAnd,  AluOp::kLsh, AluOp::kRsh, AluOp::kNeg,
                                    AluOp::kMod, AluOp::kSmod, AluOp::kXor, AluOp::kMov, AluOp::kArsh};
inline constexpr const char* kAluNames[] = {"add", "sub", "mul", "div",  "sdiv", "or",  "and", "lsh",
                                            "rsh", "neg", "mod", "smod", "xor",  "mov", "arsh"};
inline constexpr CmpOp kCmpOps[] = {CmpOp::kEq,   CmpOp::kGt, CmpOp::kGe,  CmpOp::kSet,
                                    CmpOp::kNset, CmpOp::kNe, CmpOp::kSgt, CmpOp::kSge,
                                    CmpOp::kLt,   CmpOp::kLe, CmpOp::kSlt, CmpOp::kSle};
inline constexpr const char* kCmpNames[] = {"jeq",  "jgt",  "jge", "jset", "jnset", "jne",
                                            "jsgt", "jsge", "jlt", "jle",  "jslt",  "jsle"};

template <class W, class N>
N compute(AluOp op, const N& x, const N& y, const N& one, const N& last_bit) {
  const N zero = x ^ x;
  const N amount = y & last_bit;  // width - 1
  const auto is_neg = [](const N& v) { return W::neg(W::to_s(v)); };
  const auto magnitude = [&](const N& v) { return select(is_neg(v), zero - v, v); };
  const auto by_zero = y == zero;
  const N quotient = W::udiv(x, select(by_zero, one, y));
  const N size = W::udiv(magnitude(x), select(by_zero, one, magnitude(y)));
  const N signed_quotient = select(is_neg(x ^ y), zero - size, size);  // towards zero
  switch (op) {
    case AluOp::kAdd: return x + y;
    case AluOp::kSub: return x - y;
    case AluOp::kMul: return x * y;
    case AluOp::kDiv: return select(by_zero, zero, quotient);
    case AluOp::kMod: return select(by_zero, x, x - quotient * y);
    case AluOp::kSdiv: return select(by_zero, zero, signed_quotient);
    case AluOp::kSmod: return select(by_zero, x, x - signed_quotient * y);
    case AluOp::kOr: return x | y;
    case AluOp::kAnd: return x & y;
    case AluOp::kXor: return x ^ y;
    case AluOp::kLsh: return W::shl(x, amount);
    case AluOp::kRsh: return W::shr(x, amount);
    case AluOp::kArsh: return W::to_u(W::sar(W::to_s(x), amount));
    case AluOp::kNeg: return zero - x;
    case AluOp::kMov: return y;
  }
  return zero;
}
template <class W>
typename W::U compute(AluOp op, bool is64, const typename W::U& x, const typename W::U& y) {
  if (is64) return compute<W, typename W::U>(op, x, y, W::u(1), W::u(W::kBits - 1));
  return W::zext(compute<W, typename W::HU>(op, W::lo(x), W::lo(y), W::hu(1), W::hu(W::kHalf - 1)));
}

template <class W, class N>
typename W::B holds(CmpOp op, const N& x, const N& y) {
  const auto sx = W::to_s(x), sy = W::to_s(y);
  switch (op) {
    case CmpOp::kEq: return x == y;
    case CmpOp::kNe: return !(x == y);
    case CmpOp::kSet: return !((x & y) == (x ^ x));
    case CmpOp::kNset: return (x & y) == (x ^ x);
    case CmpOp::kGt: return y < x;
    case CmpOp::kGe: return y <= x;
    case CmpOp::kLt: return x < y;
    case CmpOp::kLe: return x <= y;
    case CmpOp::kSgt: return sy < sx;
    case CmpOp::kSge: return sy <= sx;
    case CmpOp::kSlt: return sx < sy;
    case CmpOp::kSle: return sx <= sy;
  }
  return W::yes();
}
template <class W>
typename W::B holds(CmpOp op, bool is32, const typename W::U& x, const typename W::U& y) {
  if (is32) return holds<W, typename W::HU>(op, W::lo(x), W::lo(y));
  return holds<W, typename W::U>(op, x, y);
}
// Sign extension of the low `bits` bits.
template <class W>
typename W::U extended(const typename W::U& x, int bits) {
  const typename W::U n = W::u(W::kBits - bits);
  return W::to_u(W::sar(W::to_s(W::shl(x, n)), n));
}

}  // namespace osmia::verifier::test
