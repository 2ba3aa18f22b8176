// ld_imm64: maps become the live map's address, map values and kernel variables theirs; subprograms stay
// references.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void resolve_immediates(Pass& p) {
  for (u32 i = 0; i < p.program.insns.size(); i++) {
    Insn lo = p.program.insns[i];
    if (!is_ld_imm64(lo)) continue;
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (lo.src == kPseudoFunc && p.options.privileged && f.seen) {
      // A callback that is never called is dead code, and gone.
      const s64 target = static_cast<s64>(i) + 1 + lo.imm;
      if (target >= 0 && target < static_cast<s64>(p.program.insns.size()) && !p.facts.insns[target].seen) {
        p.editor.replace(i, {Piece{Insn{.code = lo.code, .dst = lo.dst}, true}});
        p.editor.replace(i + 1, {Piece{Insn{}, true}});
      }
    } else if (!p.editor.removed(i) && f.seen && lo.src != 0 && lo.src != kPseudoFunc) {
      const bool value = lo.src == kPseudoMapValue || lo.src == kPseudoMapIdxValue || lo.src == kPseudoBtfId;
      const u64 address = value ? f.imm64 : reinterpret_cast<u64>(f.map ? f.map->live : nullptr);
      Insn hi = p.program.insns[i + 1];
      lo.src = 0;
      lo.imm = static_cast<s32>(address);
      hi.imm = static_cast<s32>(address >> 32);
      p.editor.replace(i, {Piece{lo, true}});
      p.editor.replace(i + 1, {Piece{hi, true}});
    }
    // A callback that is never called (a loop of no rounds) is dead code; its address is then any number.
    const s64 callback = static_cast<s64>(i) + 1 + lo.imm;
    if (lo.src == kPseudoFunc && f.seen && !p.editor.removed(i) && callback >= 0 &&
        callback < static_cast<s64>(p.program.insns.size()) && p.editor.removed(static_cast<u32>(callback)) &&
        !p.facts.insns[static_cast<size_t>(callback)].seen) {
      lo.src = 0;
      lo.imm = 0;
      p.editor.replace(i, {Piece{lo, true}});
      p.editor.replace(i + 1, {Piece{Insn{}, true}});
    }
    i++;
  }
}

}  // namespace osmia::rewrite
