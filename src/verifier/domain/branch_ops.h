// The text of branch_taken() and refine() over any word type W (see words.h); branch.h says what they
// guarantee. One comparison's operands are seen as a View: the tnum and ranges of the width that the jump
// compares.
#pragma once
#include "verifier/domain/branch.h"

namespace osmia::verifier {

template <class W>
struct BranchOps {
  using U = typename W::U;
  using HU = typename W::HU;
  using B = typename W::B;
  using T = BasicTnum<W>;
  using R = BasicScalar<W>;

  template <class N, class M>
  struct View {
    N value, mask, umin, umax;
    M smin, smax;
  };
  static constexpr auto wide(const R& r) {
    return View<U, typename W::S>{r.var_off.value, r.var_off.mask, r.umin, r.umax, r.smin, r.smax};
  }
  static constexpr auto narrow(const R& r) {
    return View<HU, typename W::HS>{
        W::lo(r.var_off.value), W::lo(r.var_off.mask), r.u32_min, r.u32_max, r.s32_min, r.s32_max};
  }

  // --- which way
  struct Answer {
    B yes, no;  // at most one holds unless the state is unreachable; then `yes` counts
  };
  template <class V>
  static constexpr B disjoint_ranges(const V& a, const V& b) {
    return (b.umax < a.umin) | (a.umax < b.umin) | (b.smax < a.smin) | (a.smax < b.smin);
  }
  // Equal only if both are one same constant; unequal if tnums or ranges have no common member.
  template <class V>
  static constexpr Answer equal(const V& a, const V& b, const B& halves_differ) {
    const auto zero = a.mask ^ a.mask;
    const B both = (a.mask == zero) & (b.mask == zero);
    const B differ = ((a.value ^ b.value) & ~(a.mask | b.mask)) != zero;
    return {but_not(both, differ), B(differ | but_not(B(disjoint_ranges(a, b) | halves_differ), both))};
  }
  // A bit of a constant k that is known 1 in the other operand decides; so does none of k's bits being
  // possible.
  template <class V>
  static constexpr Answer common_bit(const V& a, const V& b) {
    const auto zero = a.mask ^ a.mask;
    const B known = (a.mask == zero) | (b.mask == zero);
    const B yes = known & ((a.value & b.value) != zero);
    const B possible = ((a.value | a.mask) & (b.value | b.mask)) != zero;
    return {yes, but_not(but_not(known, yes), possible)};
  }
  template <class N>
  static constexpr Answer less(const N& amin, const N& amax, const N& bmin, const N& bmax) {
    return {amax < bmin, bmax <= amin};
  }
  static constexpr Answer opposite(const Answer& a) { return {a.no, a.yes}; }
  template <class V>
  static constexpr Answer taken(CmpOp op, const V& a, const V& b, const B& halves_differ) {
    switch (op) {
      case CmpOp::kEq: return equal(a, b, halves_differ);
      case CmpOp::kNe: return opposite(equal(a, b, halves_differ));
      case CmpOp::kSet: return common_bit(a, b);
      case CmpOp::kNset: return opposite(common_bit(a, b));
      case CmpOp::kLt: return less(a.umin, a.umax, b.umin, b.umax);
      case CmpOp::kGt: return less(b.umin, b.umax, a.umin, a.umax);
      case CmpOp::kSlt: return less(a.smin, a.smax, b.smin, b.smax);
      case CmpOp::kSgt: return less(b.smin, b.smax, a.smin, a.smax);
      // The non-strict ones: yes and no are tested the other way round, which matters where both hold.
      case CmpOp::kGe: return opposite(less(a.umin, a.umax, b.umin, b.umax));
      case CmpOp::kLe: return opposite(less(b.umin, b.umax, a.umin, a.umax));
      case CmpOp::kSge: return opposite(less(a.smin, a.smax, b.smin, b.smax));
      case CmpOp::kSle: return opposite(less(b.smin, b.smax, a.smin, a.smax));
    }
    return {!W::yes(), !W::yes()};
  }
  static constexpr Answer taken(CmpOp op, bool is32, const R& a, const R& b) {
    if (is32) return taken(op, narrow(a), narrow(b), !W::yes());
    return taken(op, wide(a), wide(b), disjoint_ranges(narrow(a), narrow(b)));
  }

  // --- what holds on the edge
  static constexpr void meet_equal(bool is32, R& a, R& b) {
    if (is32) {
      tighten(a.u32_min, a.u32_max, b.u32_min, b.u32_max);
      tighten(a.s32_min, a.s32_max, b.s32_min, b.s32_max);
      b.u32_min = a.u32_min, b.u32_max = a.u32_max, b.s32_min = a.s32_min, b.s32_max = a.s32_max;
      const T t = tnum_intersect(tnum_subreg(a.var_off), tnum_subreg(b.var_off));
      a.var_off = tnum_with_subreg(a.var_off, t);
      b.var_off = tnum_with_subreg(b.var_off, t);
    } else {
      tighten(a.umin, a.umax, b.umin, b.umax);
      tighten(a.smin, a.smax, b.smin, b.smax);
      b.umin = a.umin, b.umax = a.umax, b.smin = a.smin, b.smax = a.smax;
      b.var_off = a.var_off = tnum_intersect(a.var_off, b.var_off);
    }
  }
  // x != k takes k away from an end of a range. (Were k the whole range the edge would be unreachable.)
  template <class N, class M>
  static constexpr void trim(N& ulo, N& uhi, M& slo, M& shi, const N& k, const N& one) {
    const M up = W::to_s(k + one), down = W::to_s(k - one);
    ulo = select(ulo == k, k + one, ulo);
    uhi = select(uhi == k, k - one, uhi);
    slo = select(W::to_u(slo) == k, up, slo);
    shi = select(W::to_u(shi) == k, down, shi);
  }
  static constexpr void not_equal_const(bool is32, R& a, const U& k) {
    if (is32) {
      trim(a.u32_min, a.u32_max, a.s32_min, a.s32_max, W::lo(k), W::hu(1));
    } else {
      trim(a.umin, a.umax, a.smin, a.smax, k, W::u(1));
    }
  }
  // x & k != 0 says which bit is set only if k has one.
  static constexpr void has_bit_of(bool is32, R& a, U k) {
    if (is32) k = W::zext(W::lo(k));
    const B single = (k != W::u(0)) & ((k & (k - W::u(1))) == W::u(0));
    when(single, a, [&] { a.var_off = tnum_or(a.var_off, T::constant(k)); });
  }
  // x & k == 0 clears k's bits. Linux forgets the ranges here, at both widths, and takes new ones from the
  // tnum.
  static constexpr void has_no_bit_of(bool is32, R& a, U k) {
    if (is32) k = W::zext(W::lo(k));
    a.set_unbounded();
    a.var_off = tnum_and(a.var_off, T::constant(~k));
  }
  // For the operators that need one constant operand: apply f(other, constant), the second operand being
  // preferred as the constant.
  template <class F>
  static constexpr void with_const(bool is32, R& a, R& b, F&& f) {
    const auto known = [&](const R& r) { return is32 ? r.is_const32() : r.is_const(); };
    const B second = known(b), first = but_not(known(a), second);
    const U kb = b.var_off.value, ka = a.var_off.value;
    when(second, a, [&] { f(a, kb); });
    when(first, b, [&] { f(b, ka); });
  }
  static constexpr void at_most(bool is32, bool is_signed, R& a, R& b) {
    if (is32) {
      is_signed ? order(a.s32_max, b.s32_min, a.s32_min, b.s32_max)
                : order(a.u32_max, b.u32_min, a.u32_min, b.u32_max);
    } else {
      is_signed ? order(a.smax, b.smin, a.smin, b.smax) : order(a.umax, b.umin, a.umin, b.umax);
    }
  }
  // a <= b: a is at most b's greatest, b at least a's least. `floor` and `ceiling` are those two.
  template <class N>
  static constexpr void order(N& amax, N& bmin, const N& floor, const N& ceiling) {
    amax = least(amax, ceiling);
    bmin = greatest(floor, bmin);
  }
  static constexpr void below(bool is32, bool is_signed, R& a, R& b) {
    if (is32) {
      const HU one = W::hu(1);
      if (is_signed) {
        order(a.s32_max, b.s32_min, W::to_s(W::to_u(a.s32_min) + one), W::to_s(W::to_u(b.s32_max) - one));
      } else {
        order(a.u32_max, b.u32_min, a.u32_min + one, b.u32_max - one);
      }
    } else {
      const U one = W::u(1);
      if (is_signed) {
        order(a.smax, b.smin, W::to_s(W::to_u(a.smin) + one), W::to_s(W::to_u(b.smax) - one));
      } else {
        order(a.umax, b.umin, a.umin + one, b.umax - one);
      }
    }
  }
  static constexpr void refine(CmpOp op, bool is32, R& a, R& b) {
    switch (op) {
      case CmpOp::kEq: meet_equal(is32, a, b); break;
      case CmpOp::kNe: with_const(is32, a, b, [&](R& r, const U& k) { not_equal_const(is32, r, k); }); break;
      case CmpOp::kSet: with_const(is32, a, b, [&](R& r, const U& k) { has_bit_of(is32, r, k); }); break;
      case CmpOp::kNset: with_const(is32, a, b, [&](R& r, const U& k) { has_no_bit_of(is32, r, k); }); break;
      case CmpOp::kLe: at_most(is32, false, a, b); break;
      case CmpOp::kGe: at_most(is32, false, b, a); break;
      case CmpOp::kSle: at_most(is32, true, a, b); break;
      case CmpOp::kSge: at_most(is32, true, b, a); break;
      case CmpOp::kLt: below(is32, false, a, b); break;
      case CmpOp::kGt: below(is32, false, b, a); break;
      case CmpOp::kSlt: below(is32, true, a, b); break;
      case CmpOp::kSgt: below(is32, true, b, a); break;
    }
    a.sync();
    b.sync();
  }
};

}  // namespace osmia::verifier
