// Arithmetic on Range for 64- and 32-bit operations. Each result contains every value that the operation can
// give for operands in the ranges; where an end might wrap, it is the whole width.
#pragma once
#include <algorithm>
#include <bit>
#include <optional>

#include "isa/insn.h"
#include "rewrite/operand_facts.h"

namespace osmia::rewrite::range {

constexpr u64 width_max(bool is32) {
  return is32 ? 0xffffffffu : ~u64{0};
}
constexpr Range whole(bool is32) {
  return {0, width_max(is32)};
}
constexpr Range exactly(u64 v) {
  return {v, v};
}
inline Range join(Range a, Range b) {
  return {std::min(a.min, b.min), std::max(a.max, b.max)};
}
// The low 32 bits.
inline Range low32(Range r) {
  if (r.fits32()) return r;
  if (r.max - r.min <= 0xffffffffu && static_cast<u32>(r.min) <= static_cast<u32>(r.max))
    return {static_cast<u32>(r.min), static_cast<u32>(r.max)};
  return whole(true);
}
// All bits up to the highest that v has.
constexpr u64 fill(u64 v) {
  return v ? ~u64{0} >> std::countl_zero(v) : 0;
}

inline Range add(Range a, Range b, bool is32) {
  const u64 m = width_max(is32);
  const bool low_wraps = a.min > m - b.min, high_wraps = a.max > m - b.max;
  if (low_wraps != high_wraps) return whole(is32);
  return {(a.min + b.min) & m, (a.max + b.max) & m};  // both ends wrapped once, or neither
}
inline Range sub(Range a, Range b, bool is32) {
  const u64 m = width_max(is32);
  const bool low_wraps = a.min < b.max, high_wraps = a.max < b.min;
  if (low_wraps != high_wraps) return whole(is32);
  return {(a.min - b.max) & m, (a.max - b.min) & m};
}
inline Range mul(Range a, Range b, bool is32) {
  u64 high;
  if (__builtin_mul_overflow(a.max, b.max, &high) || high > width_max(is32)) return whole(is32);
  return {a.min * b.min, high};
}
inline Range bit_or(Range a, Range b) {
  return {std::max(a.min, b.min), fill(a.max | b.max)};
}
inline Range shift(u8 op, Range a, Range b, bool is32) {
  const u64 m = width_max(is32);
  const u64 sign = (m >> 1) + 1;
  const bool nonnegative = a.max < sign;
  if (op == isa::kArsh && !nonnegative) return whole(is32);
  if (op != isa::kLsh) {
    if (!b.is_constant()) return {0, a.max};
    const u64 n = b.min & (is32 ? 31 : 63);
    return {a.min >> n, a.max >> n};
  }
  if (!b.is_constant()) return whole(is32);
  const u64 n = b.min & (is32 ? 31 : 63);
  if (a.max > m >> n) return whole(is32);
  return {a.min << n, a.max << n};
}
// RFC 9669: x / 0 = 0, x % 0 = x. Signed forms are the unsigned ones where no operand is negative.
inline Range divide(Range a, Range b, bool is_signed, bool is32) {
  const u64 sign = (width_max(is32) >> 1) + 1;
  if (is_signed && (a.max >= sign || b.max >= sign)) return whole(is32);
  if (b.max == 0) return exactly(0);
  return {b.min ? a.min / b.max : 0, a.max / std::max<u64>(b.min, 1)};
}
inline Range modulo(Range a, Range b, bool is_signed, bool is32) {
  const u64 sign = (width_max(is32) >> 1) + 1;
  if (is_signed && (a.max >= sign || b.max >= sign)) return whole(is32);
  if (b.min && a.max < b.min) return a;
  return {0, b.min ? std::min(a.max, b.max - 1) : a.max};
}
// The low `bits` of a, sign-extended to the width.
inline Range sign_extend(Range a, unsigned bits, bool is32) {
  return a.max < u64{1} << (bits - 1) ? a : whole(is32);
}

// dst = a op b; nothing for operators that take no second operand.
inline std::optional<Range> binary(u8 op, bool is_signed, Range a, Range b, bool is32) {
  switch (op) {
    case isa::kAdd: return add(a, b, is32);
    case isa::kSub: return sub(a, b, is32);
    case isa::kMul: return mul(a, b, is32);
    case isa::kAnd:
      if (a.is_constant() && b.is_constant()) return exactly(a.min & b.min);
      return Range{0, std::min(a.max, b.max)};
    case isa::kOr: return a.is_constant() && b.is_constant() ? exactly(a.min | b.min) : bit_or(a, b);
    case isa::kXor:
      return a.is_constant() && b.is_constant() ? exactly(a.min ^ b.min) : Range{0, fill(a.max | b.max)};
    case isa::kLsh:
    case isa::kRsh:
    case isa::kArsh: return shift(op, a, b, is32);
    case isa::kDiv: return divide(a, b, is_signed, is32);
    case isa::kMod: return modulo(a, b, is_signed, is32);
    default: return std::nullopt;
  }
}

// What "a op b" being true says of both; nothing: it cannot be true. Signed comparisons speak of ranges that
// have no negative value in them.
struct Pair {
  Range a, b;
};
inline std::optional<Pair> assume(u8 op, Range a, Range b, bool is32) {
  const u64 m = width_max(is32), sign = (m >> 1) + 1;
  const auto valid = [](Range x, Range y) -> std::optional<Pair> {
    if (x.min > x.max || y.min > y.max) return std::nullopt;
    return Pair{x, y};
  };
  const auto without = [](Range r, Range k) {
    if (!k.is_constant() || r.is_constant()) return r;
    if (r.min == k.min) r.min++;
    if (r.max == k.min) r.max--;
    return r;
  };
  switch (op) {
    case isa::kJeq: {
      const Range both{std::max(a.min, b.min), std::min(a.max, b.max)};
      return valid(both, both);
    }
    case isa::kJne:
      if (a.is_constant() && b.is_constant() && a.min == b.min) return std::nullopt;
      return Pair{without(a, b), without(b, a)};
    case isa::kJgt:
      if (a.max == 0 || b.min == m) return std::nullopt;
      return valid({std::max(a.min, b.min + 1), a.max}, {b.min, std::min(b.max, a.max - 1)});
    case isa::kJge: return valid({std::max(a.min, b.min), a.max}, {b.min, std::min(b.max, a.max)});
    case isa::kJlt:
      if (b.max == 0 || a.min == m) return std::nullopt;
      return valid({a.min, std::min(a.max, b.max - 1)}, {std::max(b.min, a.min + 1), b.max});
    case isa::kJle: return valid({a.min, std::min(a.max, b.max)}, {std::max(b.min, a.min), b.max});
    case isa::kJset:
      if (!a.max || !b.max) return std::nullopt;
      return Pair{{std::max<u64>(a.min, 1), a.max}, {std::max<u64>(b.min, 1), b.max}};
    case isa::kJsgt:
    case isa::kJsge:
    case isa::kJslt:
    case isa::kJsle: {
      if (a.max < sign && b.max < sign) {
        const u8 same = op == isa::kJsgt   ? isa::kJgt
                        : op == isa::kJsge ? isa::kJge
                        : op == isa::kJslt ? isa::kJlt
                                           : isa::kJle;
        return assume(same, a, b, is32);
      }
      // a s> b with b >= -1: a is not negative.
      const bool b_least_minus_1 = b.is_constant() && b.min == m;
      if ((op == isa::kJsgt && (b.max < sign || b_least_minus_1)) || (op == isa::kJsge && b.max < sign))
        return valid({a.min, std::min(a.max, sign - 1)}, b);
      return Pair{a, b};
    }
    default: return Pair{a, b};
  }
}
// The comparison that holds where "op" does not; 0: none of them (JSET).
constexpr u8 opposite(u8 op) {
  switch (op) {
    case isa::kJeq: return isa::kJne;
    case isa::kJne: return isa::kJeq;
    case isa::kJgt: return isa::kJle;
    case isa::kJle: return isa::kJgt;
    case isa::kJge: return isa::kJlt;
    case isa::kJlt: return isa::kJge;
    case isa::kJsgt: return isa::kJsle;
    case isa::kJsle: return isa::kJsgt;
    case isa::kJsge: return isa::kJslt;
    case isa::kJslt: return isa::kJsge;
    default: return 0;
  }
}

}  // namespace osmia::rewrite::range
