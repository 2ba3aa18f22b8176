// Scalar: everything known of the number in a register: a tnum, and ranges of the word and of its lower half
// (the subregister), each both unsigned and signed; Linux's "scalar value" without ids, precision or type.
// gamma(s) = { x : x in var_off, umin <= x <= umax, smin <= (signed)x <= smax, and the same for x's low half
// }. The parts are a reduced product: sync() moves facts between them, in exactly the steps of Linux 6.12
// (reg_bounds_sync), because verdicts, printed ranges and pruning depend on where it stops.
#pragma once
#include "verifier/domain/tnum.h"

namespace osmia::verifier {

template <class T>
constexpr void tighten(T& lo, T& hi, const T& l, const T& h) {
  lo = greatest(lo, l);
  hi = least(hi, h);
}
template <class B, class T>
constexpr void tighten_if(const B& c, T& lo, T& hi, const T& l, const T& h) {
  lo = select(c & (lo < l), l, lo);
  hi = select(c & (h < hi), h, hi);
}

template <class W>
struct BasicScalar {
  using Words = W;
  using U = typename W::U;
  using S = typename W::S;
  using HU = typename W::HU;
  using HS = typename W::HS;
  using B = typename W::B;
  using T = BasicTnum<W>;

  T var_off = T::unknown();
  S smin = W::s_min(), smax = W::s_max();
  U umin = W::u(0), umax = W::u_max();
  HS s32_min = W::hs_min(), s32_max = W::hs_max();
  HU u32_min = W::hu(0), u32_max = W::hu_max();

  // --- making one
  static constexpr BasicScalar unknown() { return {}; }
  static constexpr BasicScalar constant(const U& v) {
    BasicScalar r;
    r.set_known(v);
    return r;
  }
  constexpr void set_unknown() { *this = BasicScalar{}; }
  constexpr void set_known(const U& v) {
    var_off = T::constant(v);
    smin = smax = W::to_s(v);
    umin = umax = v;
    set_known32_ranges(W::lo(v));
  }
  // The low half becomes v; what is known of the upper half stays (the 64-bit ranges are left as they are:
  // sync()).
  constexpr void set_known32(const HU& v) {
    var_off = tnum_const_subreg(var_off, v);
    set_known32_ranges(v);
  }
  // Forget ranges, keep the tnum.
  constexpr void set_unbounded64() {
    smin = W::s_min(), smax = W::s_max();
    umin = W::u(0), umax = W::u_max();
  }
  constexpr void set_unbounded32() {
    s32_min = W::hs_min(), s32_max = W::hs_max();
    u32_min = W::hu(0), u32_max = W::hu_max();
  }
  constexpr void set_unbounded() {
    set_unbounded64();
    set_unbounded32();
  }

  // --- asking
  constexpr B is_const() const { return var_off.is_const(); }
  constexpr B is_const32() const { return tnum_subreg_is_const(var_off); }
  constexpr U const_value() const { return var_off.value; }            // if is_const()
  constexpr HU const_value32() const { return W::lo(var_off.value); }  // if is_const32()
  constexpr B is_zero() const { return var_off.equals_const(W::u(0)); }
  constexpr B contains(const U& x) const {
    const HU h = W::lo(x);
    const S sx = W::to_s(x);
    const HS sh = W::to_s(h);
    return var_off.contains(x) & (umin <= x) & (x <= umax) & (smin <= sx) & (sx <= smax) & (u32_min <= h) &
           (h <= u32_max) & (s32_min <= sh) & (sh <= s32_max);
  }
  // A constant whose ranges all say so: sync() has nothing to do.
  constexpr bool is_settled_const() const requires W::kConcrete {
    const U v = var_off.value;
    const HU h = W::lo(v);
    return var_off.mask == W::u(0) && umin == v && umax == v && smin == W::to_s(v) && smax == W::to_s(v) &&
           u32_min == h && u32_max == h && s32_min == W::to_s(h) && s32_max == W::to_s(h);
  }
  // Some pair of bounds is the wrong way round: gamma is surely empty.
  constexpr B surely_empty() const {
    return (umax < umin) | (smax < smin) | (u32_max < u32_min) | (s32_max < s32_min);
  }

  // --- the reduced product
  // Ranges from the tnum: the least member sets only the sign bit of the unknown ones if signed (none if
  // unsigned), the greatest all but it.
  constexpr void ranges_from_tnum32() {
    const HU v = W::lo(var_off.value), m = W::lo(var_off.mask);
    const HU sign = W::to_u(W::hs_min());
    tighten(s32_min, s32_max, W::to_s(v | (m & sign)), W::to_s(v | (m & ~sign)));
    tighten(u32_min, u32_max, v, v | m);
  }
  constexpr void ranges_from_tnum64() {
    const U v = var_off.value, m = var_off.mask, sign = W::to_u(W::s_min());
    tighten(smin, smax, W::to_s(v | (m & sign)), W::to_s(v | (m & ~sign)));
    tighten(umin, umax, v, v | m);
  }
  constexpr void ranges_from_tnum() {
    ranges_from_tnum32();
    ranges_from_tnum64();
  }
  // One round of moving facts between the four ranges.
  constexpr void deduce() {
    subreg_from_word();
    sign_exchange32();
    sign_exchange64();
    word_from_subreg();
  }
  // The tnum from the ranges: what holds of a whole unsigned range holds of its members.
  constexpr void tnum_from_ranges() {
    const T word = tnum_intersect(var_off, tnum_range_of<W>(umin, umax));
    const T sub = tnum_intersect(tnum_subreg(word), tnum_range_of<W>(W::zext(u32_min), W::zext(u32_max)));
    var_off = tnum_with_subreg(word, sub);
  }
  // Linux 6.12's reg_bounds_sync. Each step adds facts that hold of every member, so none is lost; but the
  // last rule of word_from_subreg() replaces ranges instead of meeting them, as Linux does, and so may forget
  // a bound.
  constexpr void sync() {
    if constexpr (W::kConcrete) {
      if (is_settled_const()) return;
    } else {
      if (W::sync_is_lemma()) return;  // a proof that relies on the proof of sync() itself
    }
    ranges_from_tnum();
    for (int round = 0; round < 3; ++round) {
      if constexpr (W::kConcrete) {
        const BasicScalar before = *this;
        deduce();
        if (*this == before) break;  // a further round would change nothing either
      } else {
        deduce();
      }
    }
    tnum_from_ranges();
    ranges_from_tnum();
  }
  // Linux's reg_bounds_sanity_check: null, or what is inconsistent (Linux's words). The caller then logs
  // format_violation() and calls set_unbounded() (which keeps the tnum, as Linux does).
  constexpr const char* violation() const requires W::kConcrete {
    if (surely_empty()) return "range bounds violation";
    if (is_const()) {
      const U v = var_off.value;
      const S s = W::to_s(v);
      if (umin != v || umax != v || smin != s || smax != s) return "const tnum out of sync with range bounds";
    }
    if (is_const32()) {
      const HU v = W::lo(var_off.value);
      const HS s = W::to_s(v);
      if (u32_min != v || u32_max != v || s32_min != s || s32_max != s)
        return "const subreg tnum out of sync with range bounds";
    }
    return nullptr;
  }

  // --- changing width (each leaves *this for x := f(x))
  // Zero-extend the low half, without sync() (Linux's zext_32_to_64): the half's unsigned range is the
  // word's; its signed range too if it has no negative member.
  constexpr void zext32() {
    var_off = tnum_subreg(var_off);
    umin = W::zext(u32_min);
    umax = W::zext(u32_max);
    const B positive = !(W::neg(s32_min) | W::neg(s32_max));
    smin = select(positive, W::sext(s32_min), W::to_s(W::u(0)));
    smax = select(positive, W::sext(s32_max), W::to_s(W::zext(W::hu_max())));
  }
  // w = w: what a 32-bit move does.
  constexpr void mov32() {
    zext32();
    sync();
  }
  // Keep the low `bits` bits, zero the rest (Linux's coerce_reg_to_size); 0 < bits < width. If all members
  // agree above those bits the range survives, else it is all of [0, 2^bits).
  constexpr void truncate_bits(int bits) {
    const U keep = W::u((u64{1} << bits) - 1);
    var_off = tnum_low_bits(var_off, bits);
    const B agree = (umin & ~keep) == (umax & ~keep);
    umin = select(agree, umin & keep, W::u(0));
    umax = select(agree, umax & keep, keep);
    smin = W::to_s(umin);
    smax = W::to_s(umax);
    if (bits < W::kHalf) set_unbounded32();
    sync();
  }
  constexpr void truncate(int size_bytes) { truncate_bits(size_bytes * 8); }
  // Sign-extend the low `bits` bits over the word (r = (s8)r ...; Linux's coerce_reg_to_size_sx, which does
  // not sync); 0 < bits <= half.
  constexpr void sign_extend_bits(int bits);
  constexpr void sign_extend(int size_bytes) { sign_extend_bits(size_bytes * 8); }
  // Sign-extend the low `bits` bits over the low half and zero the upper (w = (s8)w ...); 0 < bits < half.
  constexpr void sign_extend32_bits(int bits);
  constexpr void sign_extend32(int size_bytes) { sign_extend32_bits(size_bytes * 8); }

  // --- the steps of deduce(), apart for the proofs
  constexpr void subreg_from_word() {
    interval_halves(umin, umax, W::yes());
    interval_halves(W::to_u(smin), W::to_u(smax), W::lo(W::to_u(smin)) <= W::lo(W::to_u(smax)));
  }
  constexpr void sign_exchange32() { sign_exchange(u32_min, u32_max, s32_min, s32_max); }
  constexpr void sign_exchange64() { sign_exchange(umin, umax, smin, smax); }
  // A word is its upper half and its low half: no member is below the least upper half with the least low
  // half, nor above the greatest with the greatest. A signed low range counts if it is an unsigned one too.
  constexpr void word_from_subreg();

 private:
  constexpr void set_known32_ranges(const HU& v) {
    s32_min = s32_max = W::to_s(v);
    u32_min = u32_max = v;
  }
  // Facts about the low half of words in [from, to] (an interval of either signedness, written unsigned).
  // One common upper half: the low halves run from lo(from) to lo(to), as unsigned (ordered_u says whether
  // that is ordered) and, if those ends are ordered signed, as signed. Upper halves k and k+1, with the
  // interval going from a negative to a non-negative low half: then it runs through -1, 0, a signed interval.
  constexpr void interval_halves(const U& from, const U& to, const B& ordered_u) {
    const HU l = W::lo(from), h = W::lo(to);
    const HS sl = W::to_s(l), sh = W::to_s(h);
    const B same = W::hi(from) == W::hi(to);
    const B next = but_not((W::hi(from) + W::hu(1) == W::hi(to)) & W::neg(sl), W::neg(sh));
    tighten_if(same & ordered_u, u32_min, u32_max, l, h);
    tighten_if((same & (sl <= sh)) | next, s32_min, s32_max, sl, sh);
  }
  // Between the unsigned and the signed range of one width. If an interval stays on one side of the sign
  // boundary, it is the same interval read the other way. Else the signed one is two unsigned pieces, [0,
  // smax] and [smin, max]; an unsigned interval that misses one piece lies in the other.
  template <class N, class M>
  static constexpr void sign_exchange(N& ulo, N& uhi, M& slo, M& shi) {
    tighten_if(W::to_s(ulo) <= W::to_s(uhi), slo, shi, W::to_s(ulo), W::to_s(uhi));
    const N from = W::to_u(slo), to = W::to_u(shi);
    const B whole = from <= to;
    const B low_piece = but_not(uhi < from, whole);
    const B high_piece = but_not(to < ulo, whole | low_piece);
    const N lo = ulo, hi = uhi;
    ulo = select((whole | high_piece) & (lo < from), from, lo);
    uhi = select((whole | low_piece) & (to < hi), to, hi);
    slo = select(low_piece, W::to_s(lo), slo);
    shi = select(high_piece, W::to_s(hi), shi);
  }
};
using Scalar = BasicScalar<Words64>;
static_assert(sizeof(Scalar) == 64);

template <class W>
constexpr bool operator==(const BasicScalar<W>& a, const BasicScalar<W>& b) requires W::kConcrete {
  return a.var_off.value == b.var_off.value && a.var_off.mask == b.var_off.mask && a.smin == b.smin &&
         a.smax == b.smax && a.umin == b.umin && a.umax == b.umax && a.s32_min == b.s32_min &&
         a.s32_max == b.s32_max && a.u32_min == b.u32_min && a.u32_max == b.u32_max;
}

// Pruning: do old's ranges hold all of cur's? (Linux's range_within; scalars compare in_range()).
constexpr bool range_within(const Scalar& old, const Scalar& cur) {
  return old.umin <= cur.umin && old.umax >= cur.umax && old.smin <= cur.smin && old.smax >= cur.smax &&
         old.u32_min <= cur.u32_min && old.u32_max >= cur.u32_max && old.s32_min <= cur.s32_min &&
         old.s32_max >= cur.s32_max;
}
// Ranges and tnum: every member of cur is a member of old.
constexpr bool in_range(const Scalar& old, const Scalar& cur) {
  return range_within(old, cur) && tnum_in(old.var_off, cur.var_off);
}
// Bits needed for the greatest member (Linux's get_reg_width).
constexpr int width_of(const Scalar& s) {
  return 64 - std::countl_zero(s.umax);
}

template <class W>
constexpr void BasicScalar<W>::word_from_subreg() {
  const B whole = W::to_u(s32_min) <= W::to_u(s32_max);
  const auto embed = [&](const HU& l, const HU& h, const B& c) {
    tighten_if(c, umin, umax, W::cat(W::hi(umin), l), W::cat(W::hi(umax), h));
    tighten_if(c, smin, smax, W::to_s(W::cat(W::hi(W::to_u(smin)), l)),
               W::to_s(W::cat(W::hi(W::to_u(smax)), h)));
  };
  embed(u32_min, u32_max, W::yes());
  embed(W::to_u(s32_min), W::to_u(s32_max), whole);
  // A sign-extended half that is known not negative: were the upper half all ones, the word would be below
  // smin.
  const B extended =
      but_not((W::sext(W::hs_min()) <= smin) & (smax <= W::sext(W::hs_max())), W::neg(s32_min));
  when(extended, *this, [&] {
    smin = W::sext(s32_min);
    smax = W::sext(s32_max);
    umin = W::to_u(smin);
    umax = W::to_u(smax);
    var_off = tnum_intersect(var_off, tnum_range_of<W>(umin, umax));
  });
}

template <class W>
constexpr void BasicScalar<W>::sign_extend_bits(int bits) {
  const auto extend = [&](const U& v) {
    const U n = W::u(W::kBits - bits);
    return W::sar(W::to_s(W::shl(v, n)), n);
  };
  const U n = W::u(bits);
  const S first = extend(W::to_u(smin)), last = extend(W::to_u(smax));
  const S low = least(first, last), high = greatest(first, last);
  const U limit = W::shl(W::u(1), W::u(bits - 1));  // 2^(bits-1)
  const S low_limit = W::to_s(~limit + W::u(1)), high_limit = W::to_s(limit - W::u(1));
  // If members agree above `bits` and the ends have one sign, extension is monotone between the ends.
  const B agree = W::shr(W::to_u(smax), n) == W::shr(W::to_u(smin), n);
  const B monotone = agree & (W::neg(low) == W::neg(high));
  const BasicScalar in = *this;
  choose(
      in.is_const(), *this, [&] { set_known(W::to_u(extend(in.var_off.value))); },
      [&] {
        choose(
            monotone, *this,
            [&] {
              smin = low, smax = high;
              umin = W::to_u(low), umax = W::to_u(high);
              u32_min = W::lo(umin), u32_max = W::lo(umax);
              s32_min = W::to_s(u32_min), s32_max = W::to_s(u32_max);
              var_off = tnum_range_of<W>(umin, umax);
            },
            [&] {
              set_unknown();
              smin = low_limit, smax = high_limit;
              s32_min = W::to_s(W::lo(W::to_u(low_limit))), s32_max = W::to_s(W::lo(W::to_u(high_limit)));
            });
      });
}

template <class W>
constexpr void BasicScalar<W>::sign_extend32_bits(int bits) {
  const auto extend = [&](const HU& v) {
    const HU n = W::hu(W::kHalf - bits);
    return W::sar(W::to_s(W::shl(v, n)), n);
  };
  const HU n = W::hu(bits);
  const HS first = extend(W::to_u(s32_min)), last = extend(W::to_u(s32_max));
  const HS low = least(first, last), high = greatest(first, last);
  const HU limit = W::shl(W::hu(1), W::hu(bits - 1));
  const HS low_limit = W::to_s(~limit + W::hu(1)), high_limit = W::to_s(limit - W::hu(1));
  const B agree = W::shr(W::to_u(s32_max), n) == W::shr(W::to_u(s32_min), n);
  const B monotone = agree & (W::neg(low) == W::neg(high));
  const BasicScalar in = *this;
  choose(
      in.is_const(), *this, [&] { set_known(W::zext(W::to_u(extend(W::lo(in.var_off.value))))); },
      [&] {
        choose(
            monotone, *this,
            [&] {
              s32_min = low, s32_max = high;
              u32_min = W::to_u(low), u32_max = W::to_u(high);
              var_off = tnum_range_of<W>(W::zext(u32_min), W::zext(u32_max));
            },
            [&] {
              set_unbounded32();
              s32_min = low_limit, s32_max = high_limit;
              var_off = tnum_subreg(T::unknown());
            });
      });
  zext32();
  sync();
}

}  // namespace osmia::verifier
