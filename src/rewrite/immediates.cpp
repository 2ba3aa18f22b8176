// ld_imm64: maps become the live map's address, map values and kernel variables theirs; subprograms stay
// references.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void resolve_immediates(Pass& p) {
  for_each_live(p, [&](u32 i, Insn lo) {
    if (!is_ld_imm64(lo) || lo.src == 0 || lo.src == kPseudoFunc) return;
    const verifier::InsnFacts& f = p.facts.insns[i];
    const bool value = lo.src == kPseudoMapValue || lo.src == kPseudoMapIdxValue || lo.src == kPseudoBtfId;
    const u64 address = value ? f.imm64 : reinterpret_cast<u64>(f.map ? f.map->live : nullptr);
    Insn hi = p.program.insns[i + 1];
    lo.src = 0;
    lo.imm = static_cast<s32>(address);
    hi.imm = static_cast<s32>(address >> 32);
    p.editor.replace(i, {Piece{lo}});
    p.editor.replace(i + 1, {Piece{hi}});
  });
}

}  // namespace osmia::rewrite
