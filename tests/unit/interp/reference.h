// A second, slow definition of arithmetic and comparison, over 128-bit integers, to hold the machine against.
#pragma once
#include <optional>

#include "isa/insn.h"

namespace osmia::interp::reference {

using Wide = __int128;

// RFC 9669 section 4.1 for one width: a OP b, `is_signed` for sdiv and smod. nullopt: no such operation.
inline std::optional<u64> alu(u8 op, unsigned bits, bool is_signed, u64 a, u64 b) {
  const Wide modulus = Wide{1} << bits;
  auto low = [&](u64 v) { return bits == 64 ? v : v & 0xffffffffu; };
  auto as_signed = [&](u64 v) -> Wide {
    const Wide w = low(v);
    return w >= modulus / 2 ? w - modulus : w;
  };
  auto wrap = [&](Wide v) { return static_cast<u64>(((v % modulus) + modulus) % modulus); };
  const Wide ua = low(a), ub = low(b), sa = as_signed(a), sb = as_signed(b);
  const unsigned count = static_cast<unsigned>(b % bits);
  switch (op) {
    case isa::kAdd: return wrap(ua + ub);
    case isa::kSub: return wrap(ua - ub);
    case isa::kMul: {
      // Schoolbook, so that the product of two 64-bit numbers stays in range.
      u64 sum = 0;
      for (unsigned i = 0; i < bits; i++)
        if (b >> i & 1) sum += low(a) << i;
      return low(sum);
    }
    case isa::kDiv:
      if (ub == 0) return 0;
      return is_signed ? wrap(sa / sb) : wrap(ua / ub);
    case isa::kMod:
      if (ub == 0) return low(a);
      return is_signed ? wrap(sa % sb) : wrap(ua % ub);
    case isa::kOr: return low(a | b);
    case isa::kAnd: return low(a & b);
    case isa::kXor: return low(a ^ b);
    case isa::kMov: return low(b);
    case isa::kLsh: {
      u64 v = low(a);
      for (unsigned i = 0; i < count; i++) v = low(v * 2);
      return v;
    }
    case isa::kRsh: {
      u64 v = low(a);
      for (unsigned i = 0; i < count; i++) v /= 2;
      return v;
    }
    case isa::kArsh: {
      Wide v = sa;
      for (unsigned i = 0; i < count; i++) v = v >= 0 ? v / 2 : (v - 1) / 2;
      return wrap(v);
    }
    default: return std::nullopt;
  }
}

// Section 4.3.
inline std::optional<bool> taken(u8 op, unsigned bits, u64 a, u64 b) {
  const Wide modulus = Wide{1} << bits;
  const Wide ua = Wide{a} % modulus, ub = Wide{b} % modulus;
  const Wide sa = ua >= modulus / 2 ? ua - modulus : ua, sb = ub >= modulus / 2 ? ub - modulus : ub;
  switch (op) {
    case isa::kJeq: return ua == ub;
    case isa::kJne: return ua != ub;
    case isa::kJgt: return ua > ub;
    case isa::kJge: return ua >= ub;
    case isa::kJlt: return ua < ub;
    case isa::kJle: return ua <= ub;
    case isa::kJset: return (ua & ub) != 0;
    case isa::kJsgt: return sa > sb;
    case isa::kJsge: return sa >= sb;
    case isa::kJslt: return sa < sb;
    case isa::kJsle: return sa <= sb;
    default: return std::nullopt;
  }
}

}  // namespace osmia::interp::reference
