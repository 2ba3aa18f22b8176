// Comparisons of pointers with constants and with each other: only null-ness can be decided or learnt.
#include "verifier/transfer/parts.h"

namespace osmia::verifier {

using namespace isa;

u8 flip_jump(u8 op) {
  switch (op) {
    case kJgt: return kJlt;
    case kJlt: return kJgt;
    case kJge: return kJle;
    case kJle: return kJge;
    case kJsgt: return kJslt;
    case kJslt: return kJsgt;
    case kJsge: return kJsle;
    case kJsle: return kJsge;
    default: return op;
  }
}

int pointer_branch_taken(const Env& env, const RegState& a, const RegState& b, u8 op) {
  const RegState *ptr = &a, *k = &b;
  if (!k->is_const()) std::swap(ptr, k);
  if (!k->is_null() || !surely_not_null(env, *ptr)) return -1;
  if (op == kJeq) return 0;
  return op == kJne ? 1 : -1;
}

void propagate_nullness(Env& env, PathState& fall, PathState& taken, const Insn& in, const RegState& dst,
                        const RegState& src) {
  // A BTF pointer may be null without being marked, so it proves nothing and needs no proof.
  if (dst.is_scalar() || src.is_scalar() || dst.is(RegBase::kBtfId) || src.is(RegBase::kBtfId)) return;
  if (in.op() != kJeq && in.op() != kJne) return;
  PathState& equal = in.op() == kJeq ? taken : fall;
  if (surely_not_null(env, dst) && src.type.maybe_null()) mark_not_null(equal.mut_frame().regs[in.src]);
  if (surely_not_null(env, src) && dst.type.maybe_null()) mark_not_null(equal.mut_frame().regs[in.dst]);
}

}  // namespace osmia::verifier
