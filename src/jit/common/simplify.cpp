// Values simplified as they are made. Every rule keeps the 64-bit value exactly; `bits` bounds it.
#include <algorithm>

#include "base/bits.h"
#include "jit/common/builder.h"

namespace osmia::jit {
namespace {

u8 width_of(u64 v) {
  return static_cast<u8>(v ? 64 - __builtin_clzll(v) : 0);
}
u64 mask(u8 width) {
  return width == 64 ? ~0ull : (1ull << width) - 1;
}

u64 fold(Op op, u8 w, u64 a, u64 b) {
  const u32 by = static_cast<u32>(b) & (w - 1u);
  const u64 ua = a & mask(w), ub = b & mask(w);
  u64 r = 0;
  switch (op) {
    case Op::kAdd: r = a + b; break;
    case Op::kSub: r = a - b; break;
    case Op::kMul: r = a * b; break;
    case Op::kAnd: r = a & b; break;
    case Op::kOr: r = a | b; break;
    case Op::kXor: r = a ^ b; break;
    case Op::kShl: r = ua << by; break;
    case Op::kShr: r = ua >> by; break;
    case Op::kSar: r = static_cast<u64>(sign_extend(ua, w) >> by); break;
    case Op::kRol: r = by ? ua << by | ua >> (w - by) : ua; break;
    case Op::kDiv: r = ub ? ua / ub : 0; break;
    case Op::kMod: r = ub ? ua % ub : ua; break;
    default: break;
  }
  return r & mask(w);
}

}  // namespace

Val NodeMaker::add(Node n) {
  n.block = block_;
  n.insn = insn_;
  const Val v = static_cast<Val>(f_.nodes.size());
  f_.nodes.push_back(n);
  f_.alias.push_back(v);
  f_.order.push_back(v);
  return v;
}

Val NodeMaker::constant(u64 v) {
  return add({.op = Op::kConst, .bits = width_of(v), .imm = static_cast<s64>(v)});
}

Val NodeMaker::plain(Op op, u8 width, Val a, Val b, u8 bits) {
  return add({.op = op, .width = width, .bits = std::min(bits, width), .a = a, .b = b});
}

// x << c | x >> (w - c), whatever of it hides in the multiplications that compilers make of shifts.
Val NodeMaker::rotate(u8 w, Val a, Val b) {
  Val lo = a, hi = b;
  if (node(hi).op == Op::kShr) std::swap(lo, hi);
  if (node(lo).op != Op::kShr || !is_const(node(lo).b)) return kNoVal;
  const Node& down = node(lo);
  const Node& up = node(hi);
  const u32 right = static_cast<u32>(const_of(down.b));
  const Val x = down.a;
  const u8 bits_in = down.width;  // of the value that is rotated
  if (up.op == Op::kShl && is_const(up.b) && up.a == x && up.width == bits_in && bits_in == w &&
      const_of(up.b) + right == w)
    return plain(Op::kRol, w, x, up.b, 64);
  // x = y * m >> r, y * (m << (w - r)): the low part's multiplication is the high part's, shifted.
  const Node& product = node(x);
  if (bits_in == w && up.width == w && right && right < w && product.width == w && product.op == Op::kMul &&
      is_const(product.b) && up.op == Op::kMul && up.a == product.a && is_const(up.b) &&
      (const_of(up.b) & mask(w)) == fold(Op::kShl, w, const_of(product.b), w - right))
    return plain(Op::kRol, w, x, constant(w - right), 64);
  // … y << (c + (w - r)) | (y << c) >> r
  if (bits_in == w && up.width == w && product.width == w && product.op == Op::kShl && is_const(product.b) &&
      up.op == Op::kShl && up.a == product.a && is_const(up.b) &&
      const_of(up.b) == const_of(product.b) + (w - right))
    return plain(Op::kRol, w, x, constant(w - right), 64);
  return kNoVal;
}

Val NodeMaker::shift(Op op, u8 w, Val a, u32 by) {
  by &= w - 1u;
  if (!by) return w == 64 ? a : zext(4, a);
  const Node n = node(a);
  if (op == Op::kShr && bits(a) <= by && (w == 64 || bits(a) <= 32)) return constant(0);
  if (n.op == Op::kShl && n.width == w && is_const(n.b)) {
    const u32 left = static_cast<u32>(const_of(n.b));
    const u32 kept = w - left;  // low bits that survive
    if (op == Op::kShl) return left + by < w ? shift(Op::kShl, w, n.a, left + by) : constant(0);
    if (kept == 8 || kept == 16 || (kept == 32 && w == 64)) {
      const u8 bytes = static_cast<u8>(kept / 8);
      if (op == Op::kShr) {
        const Val low = zext(bytes, n.a);
        if (by == left) return low;
        return by > left ? shift(Op::kShr, w, low, by - left) : shift(Op::kShl, w, low, left - by);
      }
      if (by == left) return sext(bytes, w, n.a);
      if (by < left && kept == 32) return shift(Op::kShl, w, sext(bytes, w, n.a), left - by);
    }
  }
  if (op == Op::kShr && n.op == Op::kShr && n.width == w && is_const(n.b)) {
    const u32 sum = static_cast<u32>(const_of(n.b)) + by;
    return sum < w ? shift(Op::kShr, w, n.a, sum) : constant(0);
  }
  const u8 have = std::min(bits(a), w);
  u8 out = w;
  if (op == Op::kShl) out = static_cast<u8>(std::min<u32>(w, have + by));
  if (op == Op::kShr || (op == Op::kSar && have < w)) out = static_cast<u8>(have > by ? have - by : 0);
  // A 64-bit shift right of what fits 32 bits is a 32-bit one.
  if (w == 64 && op == Op::kShr && bits(a) <= 32) w = 32;
  return plain(op, w, a, constant(by), out);
}

Val NodeMaker::binary(Op op, u8 w, Val a, Val b) {
  a = resolve(a);
  b = resolve(b);
  if (w == 32) {  // a 32-bit operation does not see what a zero extension did
    if (node(a).op == Op::kZext && node(a).bytes == 4) a = resolve(node(a).a);
    if (node(b).op == Op::kZext && node(b).bytes == 4) b = resolve(node(b).a);
  }
  if (op >= Op::kDiv && op <= Op::kSmod) return divide(op, w, a, b);
  if (is_const(a) && is_const(b)) return constant(fold(op, w, const_of(a), const_of(b)));
  const bool commutes = op == Op::kAdd || op == Op::kMul || op == Op::kAnd || op == Op::kOr || op == Op::kXor;
  if (commutes && is_const(a)) std::swap(a, b);
  const bool shifts = op == Op::kShl || op == Op::kShr || op == Op::kSar;
  if (is_const(b)) {
    const u64 k = const_of(b) & mask(w);
    if (shifts) return shift(op, w, a, static_cast<u32>(k));
    const Val same = w == 64 ? a : kNoVal;
    auto low = [&] { return same != kNoVal ? a : zext(4, a); };
    switch (op) {
      case Op::kAdd:
      case Op::kSub: {
        if (!k) return low();
        // Subtracting is adding the opposite; sums of constants are gathered.
        u64 sum = op == Op::kAdd ? k : (0 - k) & mask(w);
        const Node n = node(a);
        Val base = a;
        if (n.op == Op::kAdd && n.width == w && is_const(n.b)) {
          sum = (sum + const_of(n.b)) & mask(w);
          base = n.a;
          if (!sum) {
            a = base;
            return low();
          }
        }
        const u64 wide = w == 64 ? sum : static_cast<u64>(sign_extend(sum, 32));
        return plain(Op::kAdd, w, base, constant(wide), 64);
      }
      case Op::kOr:
      case Op::kXor:
        if (!k) return low();
        return plain(op, w, a, constant(k), std::max(bits(a), width_of(k)));
      case Op::kAnd:
        if (!k) return constant(0);
        if (k == mask(w)) return low();
        if (k == 0xff) return zext(1, a);
        if (k == 0xffff) return zext(2, a);
        if (k == 0xffffffff) return zext(4, a);
        if (bits(a) < 64 && (k & mask(bits(a))) == mask(bits(a))) return a;
        if (k <= 0xffffffff) w = 32;
        return plain(op, w, a, constant(w == 64 ? k : static_cast<u64>(sign_extend(k, 32))),
                     std::min(bits(a), width_of(k)));
      case Op::kMul:
        if (!k) return constant(0);
        if (k == 1) return low();
        if (!(k & (k - 1))) return shift(Op::kShl, w, a, static_cast<u32>(__builtin_ctzll(k)));
        return plain(op, w, a, constant(w == 64 ? k : static_cast<u64>(sign_extend(k, 32))),
                     static_cast<u8>(std::min<u32>(64, bits(a) + width_of(k))));
      default: break;
    }
  }
  switch (op) {
    case Op::kAdd: {
      if (const Val r = rotate(w, a, b); r != kNoVal) return r;
      const u8 most = std::max(bits(a), bits(b));
      return plain(op, w, a, b, most < 64 ? static_cast<u8>(most + 1) : u8{64});
    }
    case Op::kOr:
    case Op::kXor:
      if (a == b) {
        if (op == Op::kXor) return constant(0);
        return w == 64 ? a : zext(4, a);
      }
      if (const Val r = rotate(w, a, b); r != kNoVal) return r;
      return plain(op, w, a, b, std::max(bits(a), bits(b)));
    case Op::kAnd:
      if (a == b) return w == 64 ? a : zext(4, a);
      return plain(op, w, a, b, std::min(bits(a), bits(b)));
    case Op::kSub:
      if (a == b) return constant(0);
      return plain(op, w, a, b, 64);
    case Op::kMul: return plain(op, w, a, b, static_cast<u8>(std::min<u32>(64, bits(a) + bits(b))));
    case Op::kShr: return plain(op, w, a, b, bits(a));
    default: return plain(op, w, a, b, 64);
  }
}

Val NodeMaker::unary_neg(u8 w, Val a) {
  a = resolve(a);
  if (is_const(a)) return constant((0 - const_of(a)) & mask(w));
  return add({.op = Op::kNeg, .width = w, .bits = w, .a = a});
}

Val NodeMaker::zext(u8 bytes, Val a) {
  a = resolve(a);
  const u8 w = static_cast<u8>(bytes * 8);
  if (is_const(a)) return constant(const_of(a) & mask(w));
  if (bits(a) <= w) return a;
  const Node n = node(a);
  // An extension of an extension looks through it.
  if ((n.op == Op::kZext || n.op == Op::kSext) && n.bytes >= bytes) return zext(bytes, n.a);
  // A 64-bit rotation of a 32-bit value, cut to 32 bits.
  if (bytes == 4 && n.op == Op::kOr && n.width == 64) {
    const Node p = node(n.a), q = node(n.b);
    const Node& up = p.op == Op::kShl ? p : q;
    const Node& down = p.op == Op::kShl ? q : p;
    if (up.op == Op::kShl && down.op == Op::kShr && is_const(up.b) && is_const(down.b) && up.a == down.a &&
        bits(up.a) <= 32 && const_of(up.b) + const_of(down.b) == 32)
      return plain(Op::kRol, 32, up.a, up.b, 32);
  }
  return add({.op = Op::kZext, .width = 32, .bytes = bytes, .bits = w, .a = a});
}

Val NodeMaker::sext(u8 bytes, u8 width, Val a) {
  a = resolve(a);
  const u8 w = static_cast<u8>(bytes * 8);
  if (is_const(a)) return constant(static_cast<u64>(sign_extend(const_of(a), w)) & mask(width));
  if (w >= width) return zext(bytes, a);
  if (bits(a) < w) return a;
  const Node n = node(a);
  if ((n.op == Op::kZext || n.op == Op::kSext) && n.bytes >= bytes) return sext(bytes, width, n.a);
  return add({.op = Op::kSext, .width = width, .bytes = bytes, .bits = width, .a = a});
}

Val NodeMaker::bswap(u8 bytes, Val a) {
  a = resolve(a);
  if (is_const(a)) {
    const u64 v = const_of(a);
    return constant(bytes == 2   ? __builtin_bswap16(static_cast<u16>(v))
                    : bytes == 4 ? __builtin_bswap32(static_cast<u32>(v))
                                 : __builtin_bswap64(v));
  }
  return add({.op = Op::kBswap,
              .width = static_cast<u8>(bytes == 8 ? 64 : 32),
              .bytes = bytes,
              .bits = static_cast<u8>(bytes * 8),
              .a = a});
}

}  // namespace osmia::jit
