// Calls on objects that programs allocate get what the verifier learnt: the type to make, or where in its
// object a pointer points. And pointers into per-CPU objects may be null (a CPU that does not exist) though
// programs need not look: accesses through them read zero and write nothing then.
#include <array>

#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;
using contract::KfuncRole;

// The register behind the visible arguments; 0: none.
u8 offset_register(KfuncRole role) {
  switch (role) {
    case KfuncRole::kRefcountAcquire: return 2;
    case KfuncRole::kListPushFront:
    case KfuncRole::kListPushBack: return 3;
    case KfuncRole::kRbtreeAdd: return 4;
    default: return 0;
  }
}

void add_type(Pass& p, u32 i, const verifier::InsnFacts& f) {
  const bool percpu = f.kfunc->role == KfuncRole::kPercpuObjNew;
  const u64 type = p.options.object_type && f.object_btf
                       ? p.options.object_type(*f.object_btf, f.object_btf_id, percpu)
                       : 0;
  const Insn lo{.code = kLd | kImm | kDw, .dst = 1, .imm = static_cast<s32>(type)};
  const Insn hi{.imm = static_cast<s32>(type >> 32)};
  p.editor.insert_before(i, std::array{lo, hi});
}

}  // namespace

void pass_object_arguments(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (!is_kfunc_call(in) || !f.kfunc) return;
    const KfuncRole role = f.kfunc->role;
    if (role == KfuncRole::kObjNew || role == KfuncRole::kPercpuObjNew) return add_type(p, i, f);
    if (const u8 reg = offset_register(role)) p.editor.insert_before(i, std::array{mov(reg, f.object_off)});
  });
}

void guard_percpu_objects(Pass& p) {
  constexpr contract::RegType kCopy(contract::RegBase::kBtfId, contract::kAlloc | contract::kRcu);
  for_each_live(p, [&](u32 i, const Insn& in) {
    const bool loads = in.cls() == kLdx;
    if (p.facts.insns[i].ptr_type != kCopy || (!loads && in.cls() != kSt && in.cls() != kStx)) return;
    const u8 base = loads ? in.src : in.dst;
    const s16 pieces = static_cast<s16>(p.editor.pieces(i).size());
    // What an atomic operation would have fetched stays as it is.
    p.editor.insert_before(i, std::array{jump_if(true, kJeq, base, 0, static_cast<s16>(pieces + loads))});
    if (loads) p.editor.insert_after(i, std::array{jump(1), mov(in.dst, 0)});
  });
}

}  // namespace osmia::rewrite
