// Words of 4 to 16 bits for the domain's templates (src/verifier/domain/words.h), small enough to try every
// member. Invariant: an operation's result is what a machine of that width would compute.
#pragma once
#include "base/bits.h"
#include "verifier/domain/words.h"

namespace osmia::verifier::test {

template <int N>
struct UInt {
  static constexpr u32 kMask = (1u << N) - 1;
  u32 v = 0;
  constexpr UInt() = default;
  constexpr explicit UInt(u64 x) : v(static_cast<u32>(x) & kMask) {}
  friend constexpr UInt operator+(UInt a, UInt b) { return UInt(a.v + b.v); }
  friend constexpr UInt operator-(UInt a, UInt b) { return UInt(a.v - b.v); }
  friend constexpr UInt operator*(UInt a, UInt b) { return UInt(a.v * b.v); }
  friend constexpr UInt operator&(UInt a, UInt b) { return UInt(a.v & b.v); }
  friend constexpr UInt operator|(UInt a, UInt b) { return UInt(a.v | b.v); }
  friend constexpr UInt operator^(UInt a, UInt b) { return UInt(a.v ^ b.v); }
  constexpr UInt operator~() const { return UInt(~v); }
  friend constexpr auto operator<=>(const UInt&, const UInt&) = default;
};
template <int N>
struct SInt {
  s32 v = 0;
  constexpr SInt() = default;
  constexpr explicit SInt(s64 x) : v(static_cast<s32>(sign_extend(static_cast<u64>(x), N))) {}
  friend constexpr auto operator<=>(const SInt&, const SInt&) = default;
};

template <int Bits>
struct SmallWords {
  static_assert(Bits >= 4 && Bits <= 16 && Bits % 2 == 0);
  static constexpr int kBits = Bits, kHalf = Bits / 2;
  static constexpr bool kConcrete = true;
  using U = UInt<kBits>;
  using S = SInt<kBits>;
  using HU = UInt<kHalf>;
  using HS = SInt<kHalf>;
  using B = bool;

  static constexpr U u(u64 v) { return U(v); }
  static constexpr HU hu(u64 v) { return HU(v); }
  static constexpr B yes() { return true; }
  static constexpr U u_max() { return U(~0ull); }
  static constexpr S s_min() { return S(-(s64{1} << (kBits - 1))); }
  static constexpr S s_max() { return S((s64{1} << (kBits - 1)) - 1); }
  static constexpr HU hu_max() { return HU(~0ull); }
  static constexpr HS hs_min() { return HS(-(s64{1} << (kHalf - 1))); }
  static constexpr HS hs_max() { return HS((s64{1} << (kHalf - 1)) - 1); }
  static constexpr S to_s(U v) { return S(v.v); }
  static constexpr U to_u(S v) { return U(static_cast<u64>(static_cast<s64>(v.v))); }
  static constexpr HS to_s(HU v) { return HS(v.v); }
  static constexpr HU to_u(HS v) { return HU(static_cast<u64>(static_cast<s64>(v.v))); }
  static constexpr HU lo(U v) { return HU(v.v); }
  static constexpr HU hi(U v) { return HU(v.v >> kHalf); }
  static constexpr U cat(HU h, HU l) { return U(h.v << kHalf | l.v); }
  static constexpr U zext(HU v) { return U(v.v); }
  static constexpr S sext(HS v) { return S(v.v); }
  static constexpr B neg(S v) { return v.v < 0; }
  static constexpr B neg(HS v) { return v.v < 0; }
  static constexpr U shl(U v, U n) { return n.v < kBits ? U(v.v << n.v) : U(); }
  static constexpr U shr(U v, U n) { return n.v < kBits ? U(v.v >> n.v) : U(); }
  static constexpr S sar(S v, U n) { return S(v.v >> (n.v < kBits ? n.v : kBits - 1)); }
  static constexpr HU shl(HU v, HU n) { return n.v < kHalf ? HU(v.v << n.v) : HU(); }
  static constexpr HU shr(HU v, HU n) { return n.v < kHalf ? HU(v.v >> n.v) : HU(); }
  static constexpr HS sar(HS v, HU n) { return HS(v.v >> (n.v < kHalf ? n.v : kHalf - 1)); }
  static constexpr U udiv(U a, U b) { return U(a.v / b.v); }
  static constexpr HU udiv(HU a, HU b) { return HU(a.v / b.v); }
  static constexpr U smear(U v) { return U(v.v ? ~0ull >> std::countl_zero(u64{v.v}) : 0); }
  static constexpr bool surely_zero(U v) { return v.v == 0; }
};

}  // namespace osmia::verifier::test
