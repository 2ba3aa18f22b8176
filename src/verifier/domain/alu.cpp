// The 64-bit instance of the arithmetic operators, and byte swaps.
#include "verifier/domain/alu.h"

#include "base/bug.h"
#include "verifier/domain/alu_ops.h"

namespace osmia::verifier {
namespace {

u64 swapped(u64 v, int width) {
  switch (width) {
    case 16: return __builtin_bswap16(static_cast<u16>(v));
    case 32: return __builtin_bswap32(static_cast<u32>(v));
    case 64: return __builtin_bswap64(v);
  }
  OSMIA_BUG("byte swap of a width that is not 16, 32 or 64");
}

// Both operands are constants: the same result as the general rules come to (every tnum operator is exact
// there), without the way through ranges. False: the general rules decide.
template <class N, class M>
bool fold(AluOp op, N x, N y, N& r) {
  switch (op) {
    case AluOp::kAdd: r = x + y; return true;
    case AluOp::kSub: r = x - y; return true;
    case AluOp::kMul: r = x * y; return true;
    case AluOp::kOr: r = x | y; return true;
    case AluOp::kAnd: r = x & y; return true;
    case AluOp::kXor: r = x ^ y; return true;
    case AluOp::kLsh: r = x << (y % (sizeof(N) * 8)); return true;
    case AluOp::kRsh: r = x >> (y % (sizeof(N) * 8)); return true;
    case AluOp::kArsh: r = static_cast<N>(static_cast<M>(x) >> (y % (sizeof(N) * 8))); return true;
    default: return false;
  }
}
bool fold_constants(AluOp op, bool is64, Scalar& dst, const Scalar& src) {
  const bool shift = op == AluOp::kLsh || op == AluOp::kRsh || op == AluOp::kArsh;
  if (shift && src.const_value() >= (is64 ? 64u : 32u)) return false;
  if (is64) {
    u64 r;
    if (!fold<u64, s64>(op, dst.const_value(), src.const_value(), r)) return false;
    dst.set_known(r);
  } else {
    u32 r;
    if (!fold<u32, s32>(op, dst.const_value32(), src.const_value32(), r)) return false;
    dst.set_known(r);
  }
  return true;
}

}  // namespace

void alu(AluOp op, bool is64, Scalar& dst, const Scalar& src, Precision p) {
  if (dst.is_settled_const() && src.is_settled_const() && fold_constants(op, is64, dst, src)) return;
  const Scalar s = src;  // src may be dst
  AluOps<Words64>::apply(op, is64, dst, s, p);
}

void swap_bytes(SwapOp op, int width, Scalar& dst, Precision p) {
  if (p == Precision::kLinux) return dst.set_unknown();
  if (op == SwapOp::kToLe) {  // little-endian already: only the width changes
    if (width < 64) dst.truncate_bits(width);
    return;
  }
  // A byte swap permutes bits, so it maps tnums exactly; ranges follow from the result.
  const Tnum t{swapped(dst.var_off.value, width), swapped(dst.var_off.mask, width)};
  dst.set_unknown();
  dst.var_off = t;
  dst.sync();
}

void add_unsynced(Scalar& dst, const Scalar& src) {
  using Ops = AluOps<Words64>;
  const Scalar s = src;
  Ops::put(dst, Ops::add(Ops::narrow(dst), Ops::narrow(s)));
  Ops::put(dst, Ops::add(Ops::wide(dst), Ops::wide(s)));
  dst.var_off = tnum_add(dst.var_off, s.var_off);
}

}  // namespace osmia::verifier
