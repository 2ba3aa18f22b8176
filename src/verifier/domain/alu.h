// What an arithmetic operator makes of scalars: the best-known over-approximation of { op(x, y) }.
// Invariant: x in gamma(dst), y in gamma(src) => op(x, y) in gamma(alu(dst, src)), for every op, both widths,
// with RFC 9669's semantics (32-bit results zero-extended; x / 0 = 0, x % 0 = x; shift amounts modulo the
// width). The text of the operators is alu_ops.h, generic in the word type; here is its 64-bit instance.
#pragma once
#include "verifier/domain/scalar.h"

namespace osmia::verifier {

// Values equal the opcode's operation bits (isa::AluOp). kSdiv and kSmod (off == 1 in the instruction) have
// no opcode bits of their own: DIV or MOD with the lowest bit set.
enum class AluOp : u8 {
  kAdd = 0x00,
  kSub = 0x10,
  kMul = 0x20,
  kDiv = 0x30,
  kSdiv = 0x31,
  kOr = 0x40,
  kAnd = 0x50,
  kLsh = 0x60,
  kRsh = 0x70,
  kNeg = 0x80,
  kMod = 0x90,
  kSmod = 0x91,
  kXor = 0xa0,
  kMov = 0xb0,
  kArsh = 0xc0,
};
// How the three kinds of BPF_END act on a little-endian machine.
enum class SwapOp : u8 { kToLe, kToBe, kBswap };

// kLinux: exactly what Linux 6.12 concludes (the default: verdicts, printed ranges and counts depend on it).
// kNative: sound and more precise where that is cheap: div, mod, neg, byte swaps, and 32-bit results of
// unknown value, which Linux leaves unknown in all 64 bits.
enum class Precision : u8 { kLinux, kNative };

// dst = dst op src (kNeg ignores src; kMov is dst = src). src may be dst itself. dst comes out synced.
void alu(AluOp op, bool is64, Scalar& dst, const Scalar& src, Precision p = Precision::kLinux);

// dst = byte-swapped or truncated dst; width is 16, 32 or 64. Linux 6.12 forgets dst altogether.
void swap_bytes(SwapOp op, int width, Scalar& dst, Precision p = Precision::kLinux);

// dst = (sN)dst: mov with sign extension from 8, 16 or 32 bits (32 only if is64).
inline void movsx(bool is64, int bits, Scalar& dst) {
  if (is64) {
    dst.sign_extend_bits(bits);
  } else {
    dst.sign_extend32_bits(bits);
  }
}

// Pointer offsets and linked registers: ranges of both widths and the tnum added or subtracted, without
// sync().
void add_unsynced(Scalar& dst, const Scalar& src);

// Linux 6.12 verifies `dst &= K` and `dst |= K` (K any constant) as two paths when dst is known to be 0 or -1
// (what a sign-bit shift leaves): the pending path re-executes the instruction with dst = 0, this path goes
// on with -1. kWide: set_known() both; kNarrow: set_known32() both.
enum class Fork : u8 { kNo, kWide, kNarrow };
constexpr Fork fork_before(AluOp op, const Scalar& dst, const Scalar& src) {
  if ((op != AluOp::kAnd && op != AluOp::kOr) || !src.is_const()) return Fork::kNo;
  if (dst.smin == -1 && dst.smax == 0) return Fork::kWide;
  if (dst.s32_min == -1 && dst.s32_max == 0) return Fork::kNarrow;
  return Fork::kNo;
}

}  // namespace osmia::verifier
