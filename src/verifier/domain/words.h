// The machine words that the domain is written over. Every operator of the domain is a template on a "words"
// class (W below) and uses nothing of a word but what W gives, so that one text runs in three forms:
// production (Words64, plain u64/s64/u32/s32), exhaustive tests (4 to 8 bit words) and proofs (Z3
// bit-vectors, where a condition is a term and both arms of a choice are always built). Invariant: a word of
// width kBits has a lower half ("subregister") of kBits/2 bits, as R has W in BPF.
#pragma once
#include <bit>
#include <type_traits>

#include "base/types.h"

namespace osmia::verifier {

// select() and when()/choose() are the only ways the domain may branch on data; a W whose conditions are
// terms overloads them for its own condition type.
template <class T>
constexpr T select(bool c, const T& a, const T& b) {
  return c ? a : b;
}
// Run `f`, which may assign to `target` alone, if c holds.
template <class T, class F>
constexpr void when(bool c, T& /*target*/, F&& f) {
  if (c) f();
}
template <class T, class F, class G>
constexpr void choose(bool c, T& /*target*/, F&& f, G&& g) {
  if (c) {
    f();
  } else {
    g();
  }
}

// Conditions combine with & and | (no short cut: terms have none); this is a & !b.
constexpr bool but_not(bool a, bool b) {
  return a && !b;
}

struct Words64 {
  using U = u64;   // unsigned word
  using S = s64;   // signed word
  using HU = u32;  // unsigned half (the subregister)
  using HS = s32;
  using B = bool;  // a condition
  static constexpr int kBits = 64, kHalf = 32;
  static constexpr bool kConcrete = true;  // conditions can be asked, so early exits are possible

  static constexpr U u(u64 v) { return v; }
  static constexpr HU hu(u64 v) { return static_cast<HU>(v); }
  static constexpr B yes() { return true; }
  static constexpr U u_max() { return ~0ull; }
  static constexpr S s_min() { return INT64_MIN; }
  static constexpr S s_max() { return INT64_MAX; }
  static constexpr HU hu_max() { return ~0u; }
  static constexpr HS hs_min() { return INT32_MIN; }
  static constexpr HS hs_max() { return INT32_MAX; }

  static constexpr S to_s(U v) { return static_cast<S>(v); }
  static constexpr U to_u(S v) { return static_cast<U>(v); }
  static constexpr HS to_s(HU v) { return static_cast<HS>(v); }
  static constexpr HU to_u(HS v) { return static_cast<HU>(v); }
  static constexpr HU lo(U v) { return static_cast<HU>(v); }
  static constexpr HU hi(U v) { return static_cast<HU>(v >> 32); }
  static constexpr U cat(HU h, HU l) { return static_cast<U>(h) << 32 | l; }
  static constexpr U zext(HU v) { return v; }
  static constexpr S sext(HS v) { return v; }
  static constexpr B neg(S v) { return v < 0; }
  static constexpr B neg(HS v) { return v < 0; }

  // Shift amounts are taken modulo the width (callers have excluded larger ones).
  static constexpr U shl(U v, U n) { return v << (n & 63); }
  static constexpr U shr(U v, U n) { return v >> (n & 63); }
  static constexpr S sar(S v, U n) { return v >> (n & 63); }
  static constexpr HU shl(HU v, HU n) { return v << (n & 31); }
  static constexpr HU shr(HU v, HU n) { return v >> (n & 31); }
  static constexpr HS sar(HS v, HU n) { return v >> (n & 31); }
  static constexpr U udiv(U a, U b) { return a / b; }  // b != 0
  static constexpr HU udiv(HU a, HU b) { return a / b; }
  // Every bit at or below the highest set bit: the smallest 2^k - 1 that is >= v.
  static constexpr U smear(U v) { return v ? ~0ull >> std::countl_zero(v) : 0; }
  // May the multiplication loop stop? (false is always a right answer)
  static constexpr bool surely_zero(U v) { return v == 0; }
};

template <class T>
constexpr T least(const T& a, const T& b) {
  return select(b < a, b, a);
}
template <class T>
constexpr T greatest(const T& a, const T& b) {
  return select(a < b, b, a);
}

}  // namespace osmia::verifier
