// Tnum: what is known of each bit of a word ("tristate number", Linux's struct tnum). A set bit of `mask` is
// unknown; elsewhere the bit equals that of `value`.
// Invariant: value & mask == 0. gamma(t) = { x : (x & ~mask) == value }, never empty.
// Operators are optimal for and/or/xor/add/sub and shifts by constants; see each for its argument.
#pragma once
#include "verifier/domain/words.h"

namespace osmia::verifier {

template <class W>
struct BasicTnum {
  using U = typename W::U;
  using B = typename W::B;
  U value, mask;

  constexpr B is_const() const { return mask == W::u(0); }
  constexpr B is_unknown() const { return mask == W::u_max(); }
  constexpr B equals_const(const U& v) const { return is_const() & (value == v); }
  // gamma membership of one word.
  constexpr B contains(const U& x) const { return (x & ~mask) == value; }
  constexpr U umin() const { return value; }
  constexpr U umax() const { return value | mask; }

  static constexpr BasicTnum constant(const U& v) { return {v, W::u(0)}; }
  static constexpr BasicTnum unknown() { return {W::u(0), W::u_max()}; }
};
using Tnum = BasicTnum<Words64>;

constexpr bool operator==(const Tnum& a, const Tnum& b) {
  return a.value == b.value && a.mask == b.mask;
}
inline constexpr Tnum kTnumUnknown{0, ~0ull};
constexpr Tnum tnum_const(u64 v) {
  return {v, 0};
}

// The smallest tnum that holds [min, max]: bits above the highest bit in which the ends differ are common to
// all.
template <class W>
constexpr BasicTnum<W> tnum_range_of(const typename W::U& min, const typename W::U& max) {
  typename W::U delta = W::smear(min ^ max);
  return {min & ~delta, delta};
}
constexpr Tnum tnum_range(u64 min, u64 max) {
  return tnum_range_of<Words64>(min, max);
}

// Shifts by a known amount move known and unknown bits alike; vacated bits are known zeros.
template <class W>
constexpr BasicTnum<W> tnum_lshift(const BasicTnum<W>& a, const std::type_identity_t<typename W::U>& n) {
  return {W::shl(a.value, n), W::shl(a.mask, n)};
}
template <class W>
constexpr BasicTnum<W> tnum_rshift(const BasicTnum<W>& a, const std::type_identity_t<typename W::U>& n) {
  return {W::shr(a.value, n), W::shr(a.mask, n)};
}
// The sign bit, known or not, is copied in both words alike, so vacated bits inherit its state.
template <class W>
constexpr BasicTnum<W> tnum_arshift(const BasicTnum<W>& a, const std::type_identity_t<typename W::U>& n) {
  return {W::to_u(W::sar(W::to_s(a.value), n)), W::to_u(W::sar(W::to_s(a.mask), n))};
}
// The same on the subregister; the upper half of the result is zero.
template <class W>
constexpr BasicTnum<W> tnum_arshift32(const BasicTnum<W>& a, const std::type_identity_t<typename W::HU>& n) {
  return {W::zext(W::to_u(W::sar(W::to_s(W::lo(a.value)), n))),
          W::zext(W::to_u(W::sar(W::to_s(W::lo(a.mask)), n)))};
}

// The sum of the least members and that of the greatest differ exactly where some carry may differ; all other
// sums have their carries in between, since carries grow monotonically with the operands' bits.
template <class W>
constexpr BasicTnum<W> tnum_add(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U least_sum = a.value + b.value;
  typename W::U span = a.mask + b.mask;
  typename W::U unknown = ((least_sum + span) ^ least_sum) | a.mask | b.mask;
  return {least_sum & ~unknown, unknown};
}
// Borrows are monotone too: the extremes are (a least - b greatest) and (a greatest - b least).
template <class W>
constexpr BasicTnum<W> tnum_sub(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U diff = a.value - b.value;
  typename W::U unknown = ((diff + a.mask) ^ (diff - b.mask)) | a.mask | b.mask;
  return {diff & ~unknown, unknown};
}
template <class W>
constexpr BasicTnum<W> tnum_neg(const BasicTnum<W>& a) {
  return tnum_sub(BasicTnum<W>::constant(W::u(0)), a);
}
// Bitwise: each result bit depends on one bit of each operand.
template <class W>
constexpr BasicTnum<W> tnum_and(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U ones = a.value & b.value;
  return {ones, a.umax() & b.umax() & ~ones};
}
template <class W>
constexpr BasicTnum<W> tnum_or(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U ones = a.value | b.value;
  return {ones, (a.mask | b.mask) & ~ones};
}
template <class W>
constexpr BasicTnum<W> tnum_xor(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U unknown = a.mask | b.mask;
  return {(a.value ^ b.value) & ~unknown, unknown};
}
// Long multiplication. The product of the known parts is exact; every partial product's uncertainty is a tnum
// with value 0, and their sum (by tnum_add, sound) is added last. (Vishwanathan et al., "Sound, Precise, and
// Fast Abstract Interpretation with Tristate Numbers", CGO 2022, section IV.)
template <class W>
constexpr BasicTnum<W> tnum_mul(BasicTnum<W> a, BasicTnum<W> b) {
  using T = BasicTnum<W>;
  using U = typename W::U;
  const U zero = W::u(0), one = W::u(1);
  U product = a.value * b.value;
  T doubt{zero, zero};
  for (int i = 0; i < W::kBits; ++i) {
    if (W::surely_zero(a.value | a.mask)) break;
    U part = select((a.value & one) != zero, b.mask, select((a.mask & one) != zero, b.value | b.mask, zero));
    doubt = tnum_add(doubt, T{zero, part});
    a = tnum_rshift(a, one);
    b = tnum_lshift(b, one);
  }
  return tnum_add(T::constant(product), doubt);
}

// Do a and b have a common member? Exact.
template <class W>
constexpr typename W::B tnum_overlap(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  return ((a.value ^ b.value) & ~(a.mask | b.mask)) == W::u(0);
}
// Members common to both. If there is none (a bit known 0 here and 1 there) the bit comes out 1: callers meet
// facts about one same word, so this happens only in unreachable states.
template <class W>
constexpr BasicTnum<W> tnum_intersect(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U unknown = a.mask & b.mask;
  return {(a.value | b.value) & ~unknown, unknown};
}
// The smallest tnum that holds all of both.
template <class W>
constexpr BasicTnum<W> tnum_union(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  typename W::U unknown = a.mask | b.mask | (a.value ^ b.value);
  return {a.value & ~unknown, unknown};
}
// Is every member of b a member of a?
template <class W>
constexpr typename W::B tnum_in(const BasicTnum<W>& a, const BasicTnum<W>& b) {
  return ((b.mask & ~a.mask) == W::u(0)) & (a.value == (b.value & ~a.mask));
}

// Zero all but the low `bits` bits (0 < bits < width).
template <class W>
constexpr BasicTnum<W> tnum_low_bits(const BasicTnum<W>& a, int bits) {
  typename W::U keep = W::u((u64{1} << bits) - 1);
  return {a.value & keep, a.mask & keep};
}
// Zero-extended low half; upper half with a zeroed low half; upper half of one with the low half of the
// other.
template <class W>
constexpr BasicTnum<W> tnum_subreg(const BasicTnum<W>& a) {
  return {W::zext(W::lo(a.value)), W::zext(W::lo(a.mask))};
}
template <class W>
constexpr BasicTnum<W> tnum_clear_subreg(const BasicTnum<W>& a) {
  return {W::cat(W::hi(a.value), W::hu(0)), W::cat(W::hi(a.mask), W::hu(0))};
}
template <class W>
constexpr BasicTnum<W> tnum_with_subreg(const BasicTnum<W>& reg, const BasicTnum<W>& sub) {
  return {W::cat(W::hi(reg.value), W::lo(sub.value)), W::cat(W::hi(reg.mask), W::lo(sub.mask))};
}
template <class W>
constexpr BasicTnum<W> tnum_const_subreg(const BasicTnum<W>& a,
                                         const std::type_identity_t<typename W::HU>& v) {
  return {W::cat(W::hi(a.value), v), W::cat(W::hi(a.mask), W::hu(0))};
}
template <class W>
constexpr typename W::B tnum_subreg_is_const(const BasicTnum<W>& a) {
  return W::lo(a.mask) == W::hu(0);
}

// Keep the low `size` bytes (1, 2, 4; 8 keeps all).
constexpr Tnum tnum_cast(Tnum a, int size) {
  return size >= 8 ? a : tnum_low_bits(a, size * 8);
}
// Is every member a multiple of `size` (a power of two; 0 means "any")?
constexpr bool tnum_is_aligned(const Tnum& a, u64 size) {
  return !size || !((a.value | a.mask) & (size - 1));
}

}  // namespace osmia::verifier
