// Division and remainder: by a constant through the upper half of a product. Source: Granlund and Montgomery,
// "Division by Invariant Integers using Multiplication" (PLDI 1994). RFC 9669: x / 0 = 0, x % 0 = x,
// MIN / -1 = MIN.
#include <algorithm>

#include "base/bits.h"
#include "jit/common/builder.h"

namespace osmia::jit {
namespace {

u8 log2_of(u64 v) {
  return static_cast<u8>(63 - __builtin_clzll(v));
}
__extension__ using u128 = unsigned __int128;

}  // namespace

// 32 bits: floor(x / d) is the upper half of x * ceil(2^64 / d), since x and the error are below 2^32. Where
// a 32-bit multiplier does, one ordinary multiplication and a shift are enough. 64 bits: the multiplier may
// have 65 bits; then an even divisor is halved first, an odd one takes the sum ((x - h) >> 1) + h.
Val NodeMaker::divide_unsigned(u8 w, Val a, u64 d) {
  const u8 log = log2_of(d);
  if (!(d & (d - 1))) return binary(Op::kShr, w, a, constant(log));
  if (w == 32 || bits(a) <= 32) {
    const Val x = zext(4, a);
    if (d > 0xffffffff) return constant(0);
    // m = ceil(2^(32+s) / d) works for all x < 2^bits if its error e = m d - 2^(32+s) is at most
    // 2^(32+s-bits)
    const u8 n = std::max<u8>(bits(x), 1);
    for (u8 s = 0; s <= log + 1; s++) {
      const u128 power = static_cast<u128>(1) << (32 + s);
      const u128 m = (power + d - 1) / d;
      const u128 e = m * d - power;
      if (m > 0xffffffff) break;
      // x * m must not pass 64 bits: x < 2^32, m < 2^32
      if (e << n <= power) {
        const Val product = plain(Op::kMul, 64, x, constant(static_cast<u64>(m)), 64);
        f_.nodes[product].bits = static_cast<u8>(std::min(64, n + 64 - __builtin_clzll(static_cast<u64>(m))));
        return binary(Op::kShr, 64, product, constant(static_cast<u64>(32 + s)));
      }
    }
    const u64 m = ~0ull / d + 1;
    return plain(Op::kMulHi, 64, x, constant(m), static_cast<u8>(std::max(1, bits(x) - log)));
  }
  const u8 ceil_log = static_cast<u8>(log + 1);
  const u128 power = static_cast<u128>(1) << 64;
  // m' = floor(2^64 (2^l - d) / d) + 1: the multiplier without its top bit
  const u64 over = ceil_log == 64 ? 0 - d : (1ull << ceil_log) - d;
  const u64 m = static_cast<u64>(power * over / d) + 1;
  // A shorter multiplier that fits 64 bits?
  for (u8 s = 0; s <= log; s++) {
    const u128 p = static_cast<u128>(1) << (64 + s);
    const u128 k = (p + d - 1) / d;
    if (k >> 64) break;
    if (k * d - p <= static_cast<u128>(1) << s) {
      const Val h = plain(Op::kMulHi, 64, a, constant(static_cast<u64>(k)), 64);
      return binary(Op::kShr, 64, h, constant(s));
    }
  }
  if (!(d & 1)) {
    const u8 twos = static_cast<u8>(__builtin_ctzll(d));
    const Val half = binary(Op::kShr, 64, a, constant(twos));
    f_.nodes[half].bits = std::min<u8>(f_.nodes[half].bits, static_cast<u8>(64 - twos));
    const u64 odd = d >> twos;
    // x < 2^(64 - twos): some shift below log2(odd) + 1 does
    for (u8 s = 0; s <= log2_of(odd) + 1; s++) {
      const u128 p = static_cast<u128>(1) << (64 + s);
      const u128 k = (p + odd - 1) / odd;
      if (k >> 64) break;
      if (k * odd - p <= static_cast<u128>(1) << (s + twos)) {
        const Val h = plain(Op::kMulHi, 64, half, constant(static_cast<u64>(k)), 64);
        return binary(Op::kShr, 64, h, constant(s));
      }
    }
  }
  const Val h = plain(Op::kMulHi, 64, a, constant(m), 64);
  const Val rest = binary(Op::kShr, 64, binary(Op::kSub, 64, a, h), constant(1));
  return binary(Op::kShr, 64, binary(Op::kAdd, 64, rest, h), constant(static_cast<u64>(ceil_log - 1)));
}

// Truncating: the shifted product is floored, adding the sign bit mends negative quotients.
Val NodeMaker::divide_signed(u8 w, Val a, s64 d) {
  const u64 magnitude = d < 0 ? 0 - static_cast<u64>(d) : static_cast<u64>(d);
  Val q;
  if (!(magnitude & (magnitude - 1))) {
    const u8 log = log2_of(magnitude);
    // Round towards zero: negative dividends get magnitude - 1 added.
    const Val sign = binary(Op::kSar, w, a, constant(w - 1u));
    const Val bias = binary(Op::kShr, w, sign, constant(static_cast<u64>(w - log)));
    q = binary(Op::kSar, w, binary(Op::kAdd, w, a, bias), constant(log));
  } else if (w == 32) {
    // 64-bit product of the sign-extended dividend: m = floor(2^(31+l) / d) + 1 < 2^32, l = ceil(log2 d)
    const u8 l = static_cast<u8>(log2_of(magnitude) + 1);
    const u64 m = (1ull << (31 + l)) / magnitude + 1;
    const Val x = sext(4, 64, a);
    const Val product = plain(Op::kMul, 64, x, constant(m), 64);
    const Val high = plain(Op::kSar, 64, product, constant(31u + l), 64);
    q = binary(Op::kAdd, 32, high, binary(Op::kShr, 32, a, constant(31)));
  } else {
    const u8 l = std::max<u8>(static_cast<u8>(log2_of(magnitude) + 1), 1);
    const u128 m =
        (static_cast<u128>(1) << (63 + l)) / magnitude + 1;  // in [2^63, 2^64): as signed, m - 2^64
    Val h = plain(Op::kMulHiS, 64, a, constant(static_cast<u64>(m)), 64);
    h = binary(Op::kAdd, 64, h, a);
    h = binary(Op::kSar, 64, h, constant(static_cast<u64>(l - 1)));
    q = binary(Op::kAdd, 64, h, binary(Op::kShr, 64, a, constant(63)));
  }
  return d < 0 ? unary_neg(w, q) : q;
}

Val NodeMaker::divide(Op op, u8 w, Val a, Val b) {
  const bool is_signed = op == Op::kSdiv || op == Op::kSmod, modulo = op == Op::kMod || op == Op::kSmod;
  if (is_const(b)) {
    const u64 d = w == 64 ? const_of(b) : static_cast<u32>(const_of(b));
    const s64 sd = w == 64 ? static_cast<s64>(d) : static_cast<s32>(d);
    if (!d) return modulo ? (w == 64 ? a : zext(4, a)) : constant(0);
    if (is_signed && sd == -1) return modulo ? constant(0) : unary_neg(w, a);
    if (d == 1) return modulo ? constant(0) : (w == 64 ? a : zext(4, a));
    const bool minimum = is_signed && (w == 64 ? d == 1ull << 63 : d == 1ull << 31);
    if (!is_signed && modulo && !(d & (d - 1))) return binary(Op::kAnd, w, a, constant(d - 1));
    if (!is_const(a) && !minimum) {
      const Val key = a;
      if (w == 32 && !is_signed) a = zext(4, a);
      Val q = kNoVal;
      for (const auto& known : divided_)
        if (known.a == key && known.d == d && known.width == w &&
            known.op == (is_signed ? Op::kSdiv : Op::kDiv))
          q = known.q;
      if (q == kNoVal) {
        q = is_signed ? divide_signed(w, a, sd) : divide_unsigned(w, a, d);
        divided_.push_back({is_signed ? Op::kSdiv : Op::kDiv, w, key, d, q});
      }
      if (!modulo) return q;
      const Val r = binary(Op::kSub, w, a, binary(Op::kMul, w, q, constant(d)));
      if (!is_signed) f_.nodes[r].bits = std::min<u8>(f_.nodes[r].bits, static_cast<u8>(log2_of(d) + 1));
      return r;
    }
    if (is_const(a) && !is_signed) {
      const u64 x = w == 64 ? const_of(a) : static_cast<u32>(const_of(a));
      return constant(modulo ? x % d : x / d);
    }
  }
  if (!is_signed && w == 64 && bits(a) <= 32 && bits(b) <= 32) w = 32;
  Node n{.op = op, .width = w, .bits = w, .a = a, .b = b};
  if (!is_signed) n.bits = std::min(bits(a), w);
  if (is_const(b) && const_of(b)) n.flags = kNonZero;
  return add(n);
}

}  // namespace osmia::jit
