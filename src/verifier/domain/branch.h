// What a conditional jump says of the two scalars it compares: which way it must go, and what holds of both
// on the edge that is taken. Invariant: branch_taken() answers 1 (0) only if the condition holds for all (no)
// pairs of members; refine() keeps every pair of members for which the condition holds. The text is
// branch_ops.h, generic in the word type; here is its 64-bit instance.
#pragma once
#include "verifier/domain/scalar.h"

namespace osmia::verifier {

// Values equal the opcode's operation bits (isa::JmpOp). kNset, "no common bit", is kSet's negation; no
// instruction has it.
enum class CmpOp : u8 {
  kEq = 0x10,
  kGt = 0x20,
  kGe = 0x30,
  kSet = 0x40,
  kNset = 0x48,
  kNe = 0x50,
  kSgt = 0x60,
  kSge = 0x70,
  kLt = 0xa0,
  kLe = 0xb0,
  kSlt = 0xc0,
  kSle = 0xd0,
};

// not (a op b)  ==  a invert(op) b
constexpr CmpOp invert(CmpOp op) {
  switch (op) {
    case CmpOp::kEq: return CmpOp::kNe;
    case CmpOp::kNe: return CmpOp::kEq;
    case CmpOp::kSet: return CmpOp::kNset;
    case CmpOp::kNset: return CmpOp::kSet;
    case CmpOp::kGt: return CmpOp::kLe;
    case CmpOp::kLe: return CmpOp::kGt;
    case CmpOp::kGe: return CmpOp::kLt;
    case CmpOp::kLt: return CmpOp::kGe;
    case CmpOp::kSgt: return CmpOp::kSle;
    case CmpOp::kSle: return CmpOp::kSgt;
    case CmpOp::kSge: return CmpOp::kSlt;
    case CmpOp::kSlt: return CmpOp::kSge;
  }
  return op;
}
// a op b  ==  b flip(op) a
constexpr CmpOp flip(CmpOp op) {
  switch (op) {
    case CmpOp::kGt: return CmpOp::kLt;
    case CmpOp::kLt: return CmpOp::kGt;
    case CmpOp::kGe: return CmpOp::kLe;
    case CmpOp::kLe: return CmpOp::kGe;
    case CmpOp::kSgt: return CmpOp::kSlt;
    case CmpOp::kSlt: return CmpOp::kSgt;
    case CmpOp::kSge: return CmpOp::kSle;
    case CmpOp::kSle: return CmpOp::kSge;
    default: return op;
  }
}

// 1: always taken, 0: never, -1: not known. (Linux 6.12's is_scalar_branch_taken.)
int branch_taken(CmpOp op, bool is32, const Scalar& a, const Scalar& b);

// Narrow a and b to what holds where `a op b` is true, and sync both (Linux 6.12's regs_refine_cond_op and
// reg_bounds_sync). For the edge where it is false give invert(op). Call only where branch_taken() is -1: on
// an edge that cannot be taken the result may be inconsistent (Scalar::violation()). a and b are distinct
// objects; comparing a register with itself, pass two copies.
void refine(CmpOp op, bool is32, Scalar& a, Scalar& b);

}  // namespace osmia::verifier
