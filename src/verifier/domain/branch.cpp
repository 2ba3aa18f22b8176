// The 64-bit instance of the branch rules.
#include "verifier/domain/branch.h"

#include "verifier/domain/branch_ops.h"

namespace osmia::verifier {

int branch_taken(CmpOp op, bool is32, const Scalar& a, const Scalar& b) {
  const auto answer = BranchOps<Words64>::taken(op, is32, a, b);
  return answer.yes ? 1 : answer.no ? 0 : -1;
}

void refine(CmpOp op, bool is32, Scalar& a, Scalar& b) {
  BranchOps<Words64>::refine(op, is32, a, b);
}

}  // namespace osmia::verifier
