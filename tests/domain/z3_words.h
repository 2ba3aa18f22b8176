// Words that are Z3 bit-vector terms: with them the domain's own templates build the formula that is proved.
// Invariant: every operation is that of SmallWords and Words64 of the same width (proofs_test checks it
// against production by evaluation).
#pragma once
#include <z3++.h>

#include "verifier/domain/alu_ops.h"
#include "verifier/domain/words.h"

namespace osmia::verifier::test {

inline z3::context& ctx() {
  static z3::context c;
  return c;
}

struct ZBool {
  z3::expr e;
  friend ZBool operator&(const ZBool& a, const ZBool& b) { return {a.e && b.e}; }
  friend ZBool operator|(const ZBool& a, const ZBool& b) { return {a.e || b.e}; }
  friend ZBool operator==(const ZBool& a, const ZBool& b) { return {a.e == b.e}; }
  ZBool operator!() const { return {!e}; }
};
inline ZBool but_not(const ZBool& a, const ZBool& b) {
  return {a.e && !b.e};
}

template <int N>
struct ZU {
  z3::expr e;
  friend ZU operator+(const ZU& a, const ZU& b) { return {a.e + b.e}; }
  friend ZU operator-(const ZU& a, const ZU& b) { return {a.e - b.e}; }
  friend ZU operator*(const ZU& a, const ZU& b) { return {a.e * b.e}; }
  friend ZU operator&(const ZU& a, const ZU& b) { return {a.e & b.e}; }
  friend ZU operator|(const ZU& a, const ZU& b) { return {a.e | b.e}; }
  friend ZU operator^(const ZU& a, const ZU& b) { return {a.e ^ b.e}; }
  ZU operator~() const { return {~e}; }
  friend ZBool operator==(const ZU& a, const ZU& b) { return {a.e == b.e}; }
  friend ZBool operator!=(const ZU& a, const ZU& b) { return {a.e != b.e}; }
  friend ZBool operator<(const ZU& a, const ZU& b) { return {z3::ult(a.e, b.e)}; }
  friend ZBool operator<=(const ZU& a, const ZU& b) { return {z3::ule(a.e, b.e)}; }
};
template <int N>
struct ZS {
  z3::expr e;
  friend ZBool operator==(const ZS& a, const ZS& b) { return {a.e == b.e}; }
  friend ZBool operator<(const ZS& a, const ZS& b) { return {z3::slt(a.e, b.e)}; }
  friend ZBool operator<=(const ZS& a, const ZS& b) { return {z3::sle(a.e, b.e)}; }
};

template <int Bits>
struct ZWords {
  static constexpr int kBits = Bits, kHalf = Bits / 2;
  static constexpr bool kConcrete = false;
  using U = ZU<kBits>;
  using S = ZS<kBits>;
  using HU = ZU<kHalf>;
  using HS = ZS<kHalf>;
  using B = ZBool;

  static bool& lemma() {
    static bool on = false;
    return on;
  }
  static bool sync_is_lemma() { return lemma(); }

  static z3::expr num(u64 v, int n) {
    return ctx().bv_val(static_cast<uint64_t>(n == 64 ? v : v & ((u64{1} << n) - 1)), n);
  }
  static U u(u64 v) { return {num(v, kBits)}; }
  static HU hu(u64 v) { return {num(v, kHalf)}; }
  static B yes() { return {ctx().bool_val(true)}; }
  static U u_max() { return u(~0ull); }
  static S s_min() { return {num(u64{1} << (kBits - 1), kBits)}; }
  static S s_max() { return {num((u64{1} << (kBits - 1)) - 1, kBits)}; }
  static HU hu_max() { return hu(~0ull); }
  static HS hs_min() { return {num(u64{1} << (kHalf - 1), kHalf)}; }
  static HS hs_max() { return {num((u64{1} << (kHalf - 1)) - 1, kHalf)}; }
  static S to_s(const U& v) { return {v.e}; }
  static U to_u(const S& v) { return {v.e}; }
  static HS to_s(const HU& v) { return {v.e}; }
  static HU to_u(const HS& v) { return {v.e}; }
  static HU lo(const U& v) { return {v.e.extract(kHalf - 1, 0)}; }
  static HU hi(const U& v) { return {v.e.extract(kBits - 1, kHalf)}; }
  static U cat(const HU& h, const HU& l) { return {z3::concat(h.e, l.e)}; }
  static U zext(const HU& v) { return {z3::zext(v.e, kHalf)}; }
  static S sext(const HS& v) { return {z3::sext(v.e, kHalf)}; }
  static B neg(const S& v) { return {z3::slt(v.e, num(0, kBits))}; }
  static B neg(const HS& v) { return {z3::slt(v.e, num(0, kHalf))}; }
  static U shl(const U& v, const U& n) { return {z3::shl(v.e, n.e)}; }
  static U shr(const U& v, const U& n) { return {z3::lshr(v.e, n.e)}; }
  static S sar(const S& v, const U& n) { return {z3::ashr(v.e, n.e)}; }
  static HU shl(const HU& v, const HU& n) { return {z3::shl(v.e, n.e)}; }
  static HU shr(const HU& v, const HU& n) { return {z3::lshr(v.e, n.e)}; }
  static HS sar(const HS& v, const HU& n) { return {z3::ashr(v.e, n.e)}; }
  static U udiv(const U& a, const U& b) { return {z3::udiv(a.e, b.e)}; }
  static HU udiv(const HU& a, const HU& b) { return {z3::udiv(a.e, b.e)}; }
  static U smear(const U& v) {
    z3::expr e = v.e;
    for (int n = 1; n < kBits; n *= 2) e = e | z3::lshr(e, num(n, kBits));
    return {e};
  }
  static bool surely_zero(const U&) { return false; }
};

template <int N>
ZU<N> select(const ZBool& c, const ZU<N>& a, const ZU<N>& b) {
  return {z3::ite(c.e, a.e, b.e)};
}
template <int N>
ZS<N> select(const ZBool& c, const ZS<N>& a, const ZS<N>& b) {
  return {z3::ite(c.e, a.e, b.e)};
}
template <class U, class S>
Range<U, S> merged(const ZBool& c, const Range<U, S>& a, const Range<U, S>& b) {
  return {select(c, a.umin, b.umin), select(c, a.umax, b.umax), select(c, a.smin, b.smin),
          select(c, a.smax, b.smax)};
}
template <class W>
BasicScalar<W> merged(const ZBool& c, const BasicScalar<W>& a, const BasicScalar<W>& b) {
  return {{select(c, a.var_off.value, b.var_off.value), select(c, a.var_off.mask, b.var_off.mask)},
          select(c, a.smin, b.smin),
          select(c, a.smax, b.smax),
          select(c, a.umin, b.umin),
          select(c, a.umax, b.umax),
          select(c, a.s32_min, b.s32_min),
          select(c, a.s32_max, b.s32_max),
          select(c, a.u32_min, b.u32_min),
          select(c, a.u32_max, b.u32_max)};
}
// A term has no control flow: take both arms and choose between what they made of the target.
template <class T, class F, class G>
void choose(const ZBool& c, T& target, F&& f, G&& g) {
  const T before = target;
  f();
  const T yes = target;
  target = before;
  g();
  target = merged(c, yes, target);
}
template <class T, class F>
void when(const ZBool& c, T& target, F&& f) {
  choose(c, target, f, [] {});
}

}  // namespace osmia::verifier::test
