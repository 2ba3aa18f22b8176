// Spectre v1: pointer arithmetic of the unprivileged adds a masked copy of the offset (in AX): with limit L,
// ((L - x) | x) has its sign set where x is negative or beyond L; its negation, shifted arithmetically by 63,
// is all ones for 0 < x <= L and the mask is zero for the rest, so that even a mispredicted path stays inside
// the object. The operation's other operand and the offset register keep their values. The index of a tail
// call is compared as a whole and cut to the next power of two.
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;

std::vector<Piece> masked(Insn in, u8 state, u32 limit) {
  const bool negative = state & verifier::kMaskNegative, constant = state & verifier::kMaskConstant;
  const bool offset_is_src = (state & (verifier::kMaskSrc | verifier::kMaskDst)) == verifier::kMaskSrc;
  const u8 offset = offset_is_src ? in.src : in.dst;
  std::vector<Piece> out;
  const auto add = [&](const Insn& piece) { out.push_back({piece}); };
  if (constant) {
    add(mov32(kAx, static_cast<s32>(limit)));
  } else {
    if (negative) add(alu(true, kMul, offset, -1));
    add(mov32(kAx, static_cast<s32>(limit)));
    add(alu_reg(true, kSub, kAx, offset));
    add(alu_reg(true, kOr, kAx, offset));
    add(alu(true, kNeg, kAx, 0));
    add(alu(true, kArsh, kAx, 63));
    add(alu_reg(true, kAnd, kAx, offset));
  }
  if (!offset_is_src) add(mov_reg(in.dst, in.src));
  in.src = kAx;
  if (negative) in.code ^= kAdd ^ kSub;
  add(in);
  if (offset_is_src && negative && !constant) add(alu(true, kMul, offset, -1));
  return out;
}

}  // namespace

void mask_pointer_arithmetic(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    if (in.code != (kAlu64 | kAdd | kX) && in.code != (kAlu64 | kSub | kX)) return;
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (f.alu_state && f.alu_state != verifier::kMaskNone)
      p.editor.replace(i, masked(in, f.alu_state, f.alu_limit));
  });
}

void mask_tail_calls(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (in.code != (kJmp | kCall) || !f.helper || !(f.helper->effects & contract::kTailCall) || !f.map)
      return;
    const s32 entries = static_cast<s32>(f.map->max_entries);
    p.editor.replace(i,
                     {Piece{jump_if(true, kJge, kR3, entries, 2)},
                      Piece{alu(false, kAnd, kR3, index_mask(f.map->max_entries))}, Piece{p.editor.at(i)}});
  });
}

}  // namespace osmia::rewrite
