// ld_imm64: maps become the live map's address, map values and kernel variables theirs; subprograms stay
// references.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

namespace {

// A callback that is never called (of a loop of no rounds) is dead code and gone.
bool is_dead_callback(const Pass& p, u32 i, const Insn& lo) {
  const s64 start = s64{i} + 1 + lo.imm;
  return start >= 0 && start < static_cast<s64>(p.program.insns.size()) &&
         p.editor.removed(static_cast<u32>(start)) && !p.facts.insns[static_cast<size_t>(start)].seen;
}

}  // namespace

void resolve_immediates(Pass& p) {
  for_each_live(p, [&](u32 i, Insn lo) {
    if (!is_ld_imm64(lo) || lo.src == 0) return;
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (lo.src == kPseudoFunc && !is_dead_callback(p, i, lo)) return;
    u64 address = 0;  // of a dead callback: any number will do
    if (lo.src == kPseudoMapValue || lo.src == kPseudoMapIdxValue || lo.src == kPseudoBtfId)
      address = f.imm64;
    else if (lo.src != kPseudoFunc)
      address = reinterpret_cast<u64>(f.map ? f.map->live : nullptr);
    Insn hi = p.program.insns[i + 1];
    lo.src = 0;
    lo.imm = static_cast<s32>(address);
    hi.imm = static_cast<s32>(address >> 32);
    p.editor.replace(i, {Piece{lo}});
    p.editor.replace(i + 1, {Piece{hi}});
  });
}

}  // namespace osmia::rewrite
