// The text of the arithmetic operators over any word type W (see words.h); alu.h says what they guarantee.
// Each operator treats the tnum, the word's ranges and the half's ranges apart, then sync() exchanges. The
// range parts take a Range by value and return the result's, so that both widths share one text.
#pragma once
#include "verifier/domain/alu.h"

namespace osmia::verifier {

template <class U, class S>
struct Range {
  U umin, umax;
  S smin, smax;
};

template <class W>
struct AluOps {
  using U = typename W::U;
  using S = typename W::S;
  using HU = typename W::HU;
  using HS = typename W::HS;
  using B = typename W::B;
  using T = BasicTnum<W>;
  using R = BasicScalar<W>;
  using Wide = Range<U, S>;
  using Narrow = Range<HU, HS>;

  static constexpr Wide wide(const R& r) { return {r.umin, r.umax, r.smin, r.smax}; }
  static constexpr Narrow narrow(const R& r) { return {r.u32_min, r.u32_max, r.s32_min, r.s32_max}; }
  static constexpr void put(R& r, const Wide& v) {
    r.umin = v.umin, r.umax = v.umax, r.smin = v.smin, r.smax = v.smax;
  }
  static constexpr void put(R& r, const Narrow& v) {
    r.u32_min = v.umin, r.u32_max = v.umax, r.s32_min = v.smin, r.s32_max = v.smax;
  }
  static constexpr void all(Wide& v) { v = {W::u(0), W::u_max(), W::s_min(), W::s_max()}; }
  static constexpr void all(Narrow& v) { v = {W::hu(0), W::hu_max(), W::hs_min(), W::hs_max()}; }
  static constexpr void all_signed(Wide& v) { v.smin = W::s_min(), v.smax = W::s_max(); }
  static constexpr void all_signed(Narrow& v) { v.smin = W::hs_min(), v.smax = W::hs_max(); }
  static constexpr void all_unsigned(Wide& v) { v.umin = W::u(0), v.umax = W::u_max(); }
  static constexpr void all_unsigned(Narrow& v) { v.umin = W::hu(0), v.umax = W::hu_max(); }
  // 2^(width/2) - 1: two factors up to this have a product without overflow.
  static constexpr U small(const Wide&) { return W::zext(W::hu_max()); }
  static constexpr HU small(const Narrow&) { return W::hu((u64{1} << (W::kHalf / 2)) - 1); }

  // Monotone in both operands while neither end wraps; else nothing is said.
  template <class V>
  static constexpr V add(V d, const V& s) {
    const auto ul = d.umin + s.umin, uh = d.umax + s.umax;
    const auto al = W::to_u(d.smin), bl = W::to_u(s.smin), ah = W::to_u(d.smax), bh = W::to_u(s.smax);
    const auto sl = al + bl, sh = ah + bh;
    const B sw = W::neg(W::to_s((sl ^ al) & (sl ^ bl))) | W::neg(W::to_s((sh ^ ah) & (sh ^ bh)));
    const B uw = (ul < d.umin) | (uh < d.umax);
    d = {ul, uh, W::to_s(sl), W::to_s(sh)};
    when(sw, d, [&] { all_signed(d); });
    when(uw, d, [&] { all_unsigned(d); });
    return d;
  }
  // Antitone in the subtrahend: least minus greatest, greatest minus least.
  template <class V>
  static constexpr V sub(V d, const V& s) {
    const auto ul = d.umin - s.umax, uh = d.umax - s.umin;
    const auto al = W::to_u(d.smin), bh = W::to_u(s.smax), ah = W::to_u(d.smax), bl = W::to_u(s.smin);
    const auto sl = al - bh, sh = ah - bl;
    const B sw = W::neg(W::to_s((al ^ bh) & (sl ^ al))) | W::neg(W::to_s((ah ^ bl) & (sh ^ ah)));
    const B uw = d.umin < s.umax;
    d = {ul, uh, W::to_s(sl), W::to_s(sh)};
    when(sw, d, [&] { all_signed(d); });
    when(uw, d, [&] { all_unsigned(d); });
    return d;
  }
  // Monotone for factors that are not negative and whose product cannot overflow; the product's range is a
  // signed one too if it ends below the sign bit.
  template <class V>
  static constexpr V mul(V d, const V& s) {
    const B lost = W::neg(s.smin) | W::neg(d.smin) | (small(d) < s.umax) | (small(d) < d.umax);
    choose(
        lost, d, [&] { all(d); },
        [&] {
          d.umin = d.umin * s.umin, d.umax = d.umax * s.umax;
          signed_if_not_negative(d);
        });
    return d;
  }
  template <class V>
  static constexpr void signed_if_not_negative(V& d) {
    choose(
        W::neg(W::to_s(d.umax)), d, [&] { all_signed(d); },
        [&] { d.smin = W::to_s(d.umin), d.smax = W::to_s(d.umax); });
  }
  // An unsigned range on one side of the sign boundary is a signed range.
  template <class V>
  static constexpr V signed_from_unsigned(V d) {
    choose(
        W::to_s(d.umin) <= W::to_s(d.umax), d, [&] { d.smin = W::to_s(d.umin), d.smax = W::to_s(d.umax); },
        [&] { all_signed(d); });
    return d;
  }
  // `t` is the result's tnum. x & y is at least its known ones and at most either operand; x | y is at least
  // either operand and at most its possible ones; of x ^ y only the tnum speaks.
  enum class Bitwise { kAnd, kOr, kXor };
  template <class V, class N>
  static constexpr V bitwise(Bitwise op, V d, const V& s, const N& value, const N& mask) {
    switch (op) {
      case Bitwise::kAnd: d.umin = value, d.umax = least(d.umax, s.umax); break;
      case Bitwise::kOr: d.umin = greatest(d.umin, s.umin), d.umax = value | mask; break;
      case Bitwise::kXor: d.umin = value, d.umax = value | mask; break;
    }
    return signed_from_unsigned(d);
  }
  static constexpr void bitwise(Bitwise op, bool is64, R& d, const R& s) {
    switch (op) {
      case Bitwise::kAnd: d.var_off = tnum_and(d.var_off, s.var_off); break;
      case Bitwise::kOr: d.var_off = tnum_or(d.var_off, s.var_off); break;
      case Bitwise::kXor: d.var_off = tnum_xor(d.var_off, s.var_off); break;
    }
    const HU v = W::lo(d.var_off.value);
    choose(
        s.is_const32() & d.is_const32(), d, [&] { d.set_known32(v); },
        [&] { put(d, bitwise(op, narrow(d), narrow(s), v, W::lo(d.var_off.mask))); });
    if (!is64) return;  // zero extension will overwrite the word's ranges
    choose(
        s.is_const() & d.is_const(), d, [&] { d.set_known(d.var_off.value); },
        [&] {
          put(d, bitwise(op, wide(d), wide(s), d.var_off.value, d.var_off.mask));
          d.ranges_from_tnum();
        });
  }

  // Left shift of an unsigned range is monotone if no set bit leaves: max <= 2^(width-1-n). (Linux excludes
  // the rest.)
  template <class V, class N>
  static constexpr void shl_unsigned(V& d, const N& n, const N& top, const N& one) {
    choose(
        W::shl(one, top - n) < d.umax, d, [&] { all_unsigned(d); },
        [&] { d.umin = W::shl(d.umin, n), d.umax = W::shl(d.umax, n); });
  }
  static constexpr void shl_narrow(R& d, const HU& n) {
    Narrow v = narrow(d);
    all_signed(v);
    choose(
        W::hu(W::kHalf - 1) < n, v, [&] { all_unsigned(v); },
        [&] { shl_unsigned(v, n, W::hu(W::kHalf - 1), W::hu(1)); });
    put(d, v);
  }
  static constexpr void shl(bool is64, R& d, const R& s) {
    if (is64) {
      const U n = s.umin;
      Wide v = wide(d);
      all_signed(v);
      // By exactly half the width the low half's signed range becomes the word's.
      const U half = W::u(W::kHalf);
      when(n == half, v, [&] {
        v.smin = W::to_s(W::shl(W::to_u(W::sext(d.s32_min)), half));
        v.smax = W::to_s(W::shl(W::to_u(W::sext(d.s32_max)), half));
      });
      shl_unsigned(v, n, W::u(W::kBits - 1), W::u(1));
      put(d, v);
      shl_narrow(d, W::lo(n));
      d.var_off = tnum_lshift(d.var_off, n);
      d.ranges_from_tnum();
    } else {
      const HU n = s.u32_min;
      shl_narrow(d, n);
      d.var_off = tnum_subreg(tnum_lshift(tnum_subreg(d.var_off), W::zext(n)));
      d.ranges_from_tnum32();
    }
  }
  // Unsigned division by 2^n, monotone. The signed range is left to sync(). Of the half, when upper bits move
  // in, only the tnum speaks.
  static constexpr void shr(bool is64, R& d, const R& s) {
    if (is64) {
      const U n = s.umin;
      d.var_off = tnum_rshift(d.var_off, n);
      const U lo = W::shr(d.umin, n), hi = W::shr(d.umax, n);
      d.set_unbounded();
      d.umin = lo, d.umax = hi;
      d.ranges_from_tnum();
    } else {
      const HU n = s.u32_min;
      d.var_off = tnum_rshift(tnum_subreg(d.var_off), W::zext(n));
      const HU lo = W::shr(d.u32_min, n), hi = W::shr(d.u32_max, n);
      d.set_unbounded32();
      d.u32_min = lo, d.u32_max = hi;
      d.ranges_from_tnum32();
    }
  }
  // Signed division by 2^n rounding down, monotone.
  static constexpr void sar(bool is64, R& d, const R& s) {
    if (is64) {
      const U n = s.umin;
      d.var_off = tnum_arshift(d.var_off, n);
      const S lo = W::sar(d.smin, n), hi = W::sar(d.smax, n);
      d.set_unbounded();
      d.smin = lo, d.smax = hi;
      d.ranges_from_tnum();
    } else {
      const HU n = s.u32_min;
      d.var_off = tnum_arshift32(d.var_off, n);
      const HS lo = W::sar(d.s32_min, n), hi = W::sar(d.s32_max, n);
      d.set_unbounded32();
      d.s32_min = lo, d.s32_max = hi;
      d.ranges_from_tnum32();
    }
  }
  // A shift is computed only if its amount is one known number below the width.
  static constexpr B shift_is_known(bool is64, const R& s) {
    if (is64) return s.is_const() & (s.smin == s.smax) & (s.umin == s.umax) & (s.umax < W::u(W::kBits));
    return s.is_const32() & (s.s32_min == s.s32_max) & (s.u32_min == s.u32_max) & (s.umax < W::u(W::kHalf));
  }

  // --- more precise than Linux 6.12 (Precision::kNative)
  // x / y: a greater y gives a lesser quotient and x / 0 = 0, so the quotient is at most umax / max(1, least
  // y), and at least umin / greatest y if y is never 0.
  template <class V, class N>
  static constexpr V div(V d, const V& s, const N& zero, const N& one) {
    const N lo = W::udiv(d.umin, greatest(s.umax, one));
    d.umin = select(s.umin == zero, zero, lo);
    d.umax = W::udiv(d.umax, greatest(s.umin, one));
    all_signed(d);
    return d;
  }
  // x % y <= x always (x % 0 = x), and < y if y is not 0; it is x itself if x < y.
  template <class V, class N>
  static constexpr V mod(V d, const V& s, const N& zero, const N& one) {
    const B same = d.umax < s.umin;
    d.umin = select(same, d.umin, zero);
    d.umax = select(s.umin == zero, d.umax, least(d.umax, s.umax - one));
    all_signed(d);
    return d;
  }
  static constexpr void divmod(bool is_div, bool is64, R& d, const R& s) {
    // x % y == x: the tnum stays
    const B kept = is_div ? !W::yes() : is64 ? d.umax < s.umin : d.u32_max < s.u32_min;
    const Wide w = is_div ? div(wide(d), wide(s), W::u(0), W::u(1)) : mod(wide(d), wide(s), W::u(0), W::u(1));
    const Narrow n = is_div ? div(narrow(d), narrow(s), W::hu(0), W::hu(1))
                            : mod(narrow(d), narrow(s), W::hu(0), W::hu(1));
    const T t = select_tnum(kept, d.var_off, T::unknown());
    d.set_unknown();
    d.var_off = t;
    if (is64) {
      put(d, w);
    } else {
      put(d, n);
    }
  }
  static constexpr T select_tnum(const B& c, const T& a, const T& b) {
    return {select(c, a.value, b.value), select(c, a.mask, b.mask)};
  }
  // Signed division of numbers that are not negative is unsigned division; else nothing is said.
  static constexpr void signed_divmod(bool is_div, bool is64, R& d, const R& s) {
    const B plain = is64 ? !(W::neg(d.smin) | W::neg(s.smin)) : !(W::neg(d.s32_min) | W::neg(s.s32_min));
    choose(
        plain, d, [&] { divmod(is_div, is64, d, s); }, [&] { d.set_unknown(); });
  }

  static constexpr void apply(AluOp op, bool is64, R& d, const R& s, Precision p) {
    const bool native = p == Precision::kNative;
    switch (op) {
      case AluOp::kAdd:
        put(d, add(narrow(d), narrow(s)));
        if (is64) put(d, add(wide(d), wide(s)));
        d.var_off = tnum_add(d.var_off, s.var_off);
        break;
      case AluOp::kSub:
        put(d, sub(narrow(d), narrow(s)));
        if (is64) put(d, sub(wide(d), wide(s)));
        d.var_off = tnum_sub(d.var_off, s.var_off);
        break;
      case AluOp::kMul:
        d.var_off = tnum_mul(d.var_off, s.var_off);
        put(d, mul(narrow(d), narrow(s)));
        if (is64) put(d, mul(wide(d), wide(s)));
        break;
      case AluOp::kAnd: bitwise(Bitwise::kAnd, is64, d, s); break;
      case AluOp::kOr: bitwise(Bitwise::kOr, is64, d, s); break;
      case AluOp::kXor: bitwise(Bitwise::kXor, is64, d, s); break;
      case AluOp::kLsh:
      case AluOp::kRsh:
      case AluOp::kArsh:
        // Linux says nothing of the result otherwise, not even that a 32-bit one is zero-extended.
        choose(
            shift_is_known(is64, s), d,
            [&] {
              (op == AluOp::kLsh ? shl : op == AluOp::kRsh ? shr : sar)(is64, d, s);
              if (!is64) d.zext32();
              d.sync();
            },
            [&] { forget(is64, d, native); });
        return;
      case AluOp::kDiv:
      case AluOp::kMod:
        if (!native) return d.set_unknown();
        divmod(op == AluOp::kDiv, is64, d, s);
        break;
      case AluOp::kSdiv:
      case AluOp::kSmod:
        if (!native) return d.set_unknown();
        signed_divmod(op == AluOp::kSdiv, is64, d, s);
        break;
      case AluOp::kNeg: {
        if (!native) return d.set_unknown();
        const R x = d;
        d.set_known(W::u(0));
        put(d, sub(narrow(d), narrow(x)));
        if (is64) put(d, sub(wide(d), wide(x)));
        d.var_off = tnum_neg(x.var_off);
        break;
      }
      case AluOp::kMov:
        d = s;
        if (!is64) d.mov32();
        return;
    }
    if (!is64) d.zext32();
    d.sync();
  }
  static constexpr void forget(bool is64, R& d, bool native) {
    d.set_unknown();
    if (native && !is64) d.mov32();
  }
};

}  // namespace osmia::verifier
