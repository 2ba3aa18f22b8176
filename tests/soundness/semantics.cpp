// 32-bit operations see the low halves and clear the upper; shifts wrap at the width; division by zero gives
// zero, modulo by zero the dividend.
#include "semantics.h"

#include "base/bits.h"

namespace osmia::soundness {

using namespace isa;

namespace {

u64 divide(u64 a, u64 b, bool is64, bool is_signed, bool rest) {
  if (!is64) a = static_cast<u32>(a), b = static_cast<u32>(b);
  if (b == 0) return rest ? a : 0;
  if (!is_signed) return rest ? a % b : a / b;
  const s64 x = is64 ? static_cast<s64>(a) : static_cast<s32>(a);
  const s64 y = is64 ? static_cast<s64>(b) : static_cast<s32>(b);
  if (y == -1) return rest ? 0 : 0 - static_cast<u64>(x);
  return static_cast<u64>(rest ? x % y : x / y);
}

u64 swap_bytes(u64 v, s32 bits) {
  if (bits == 16) return __builtin_bswap16(static_cast<u16>(v));
  return bits == 32 ? __builtin_bswap32(static_cast<u32>(v)) : __builtin_bswap64(v);
}

}  // namespace

u64 compute(const Insn& in, u64 a, u64 b) {
  const bool is64 = in.cls() == kAlu64;
  const u64 width = is64 ? 64 : 32;
  u64 v = 0;
  switch (in.op()) {
    case kAdd: v = a + b; break;
    case kSub: v = a - b; break;
    case kMul: v = a * b; break;
    case kDiv: v = divide(a, b, is64, in.off == 1, false); break;
    case kMod: v = divide(a, b, is64, in.off == 1, true); break;
    case kOr: v = a | b; break;
    case kAnd: v = a & b; break;
    case kXor: v = a ^ b; break;
    case kLsh: v = a << (b & (width - 1)); break;
    case kRsh: v = (is64 ? a : static_cast<u32>(a)) >> (b & (width - 1)); break;
    case kArsh:
      v = static_cast<u64>((is64 ? static_cast<s64>(a) : static_cast<s32>(a)) >> (b & (width - 1)));
      break;
    case kNeg: v = 0 - a; break;
    case kMov:
      v = in.is_reg_src() && in.off ? static_cast<u64>(sign_extend(b, static_cast<u32>(in.off))) : b;
      break;
    case kEnd:
      if (is64 || in.is_reg_src()) return swap_bytes(a, in.imm);
      return in.imm == 64 ? a : a & ((u64{1} << in.imm) - 1);
    default: break;
  }
  return is64 ? v : static_cast<u32>(v);
}

bool compare(const Insn& in, u64 a, u64 b) {
  const bool is64 = in.cls() == kJmp;
  if (!is64) a = static_cast<u32>(a), b = static_cast<u32>(b);
  const s64 x = is64 ? static_cast<s64>(a) : static_cast<s32>(a);
  const s64 y = is64 ? static_cast<s64>(b) : static_cast<s32>(b);
  switch (in.op()) {
    case kJeq: return a == b;
    case kJne: return a != b;
    case kJgt: return a > b;
    case kJge: return a >= b;
    case kJlt: return a < b;
    case kJle: return a <= b;
    case kJset: return (a & b) != 0;
    case kJsgt: return x > y;
    case kJsge: return x >= y;
    case kJslt: return x < y;
    default: return x <= y;
  }
}

u64 atomic_result(s32 operation, u64 old, u64 src, u64 r0) {
  switch (operation) {
    case kAdd:
    case kAdd | kFetch: return old + src;
    case kOr:
    case kOr | kFetch: return old | src;
    case kAnd:
    case kAnd | kFetch: return old & src;
    case kXor:
    case kXor | kFetch: return old ^ src;
    case kXchg: return src;
    case kCmpxchg: return old == r0 ? src : old;
    default: return old;
  }
}

}  // namespace osmia::soundness
