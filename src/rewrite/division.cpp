// Division for machines that trap (RFC 9669: x / 0 = 0, x % 0 = x, MIN s/ -1 = MIN, MIN s% -1 = 0): tests
// before the operation. Signed forms look at divisor + 1, which is 0 or 1 for exactly the two special ones.
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;

std::vector<Insn> guarded(const Insn& in) {
  const bool is64 = in.cls() == kAlu64, divides = in.op() == kDiv;
  const u8 dst = in.dst, src = in.src;
  std::vector<Insn> out;
  if (in.off == 1) {
    out = {mov_reg(kAx, src), alu(is64, kAdd, kAx, 1)};
    if (divides) {
      out.insert(out.end(), {jump_if(is64, kJgt, kAx, 1, 4), jump_if(is64, kJeq, kAx, 0, 1),
                             alu(is64, kMov, dst, 0), alu(is64, kNeg, dst, 0), jump(1), in});
      return out;
    }
    out.insert(out.end(), {jump_if(is64, kJgt, kAx, 1, 3),
                           jump_if(is64, kJeq, kAx, 1, is64 ? s16{3} : s16{4}), mov32(dst, 0), jump(1), in});
  } else if (divides) {
    return {jump_if(is64, kJne, src, 0, 2), alu_reg(false, kXor, dst, dst), jump(1), in};
  } else {
    out = {jump_if(is64, kJeq, src, 0, is64 ? s16{1} : s16{2}), in};
  }
  // A 32-bit remainder that stays as it is still clears the upper half.
  if (!is64) out.insert(out.end(), {jump(1), alu_reg(false, kMov, dst, dst)});
  return out;
}

}  // namespace

void guard_divisions(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    if ((in.cls() != kAlu && in.cls() != kAlu64) || (in.op() != kDiv && in.op() != kMod)) return;
    std::vector<Piece> out;
    if (in.is_reg_src()) {
      for (const Insn& piece : guarded(in)) out.push_back({piece});
    } else if (in.off == 1 && in.imm == -1) {
      out.push_back({in.op() == kDiv ? alu(in.cls() == kAlu64, kNeg, in.dst, 0) : mov32(in.dst, 0)});
    } else {
      return;
    }
    p.editor.replace(i, std::move(out));
  });
}

}  // namespace osmia::rewrite
