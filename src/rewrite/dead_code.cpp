// Dead code: what no path reached is removed, and a branch that is always or never taken loses the other way.
// The unprivileged keep the size of their program: dead instructions become jumps to themselves.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void remove_dead_code(Pass& p) {
  const auto& insns = p.program.insns;
  for (u32 i = 0; i < insns.size(); i++) {
    const Insn& in = insns[i];
    const bool wide = is_ld_imm64(in);
    const verifier::InsnFacts& f = p.facts.insns[i];
    if (!f.seen) {
      if (p.options.privileged) {
        p.editor.remove(i);
        if (wide) p.editor.remove(i + 1);
      } else {
        p.editor.replace(i, {Piece{Insn{.code = kJmp | kJa, .off = -1}, true}});
        if (wide) p.editor.replace(i + 1, {Piece{Insn{.code = kJmp | kJa, .off = -1}, true}});
      }
      i += wide;
      continue;
    }
    if (f.removable && p.options.calls_keep_registers) {
      p.editor.remove(i);
      continue;
    }
    i += wide;
    if (!p.options.privileged || wide) continue;
    const bool conditional =
        (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kJa && in.op() != kCall && in.op() != kExit;
    if (conditional) {
      const bool next_dead = i + 1 < insns.size() && !p.facts.insns[i + 1].seen;
      const s64 target = static_cast<s64>(i) + 1 + in.off;
      const bool target_dead =
          target >= 0 && target < static_cast<s64>(insns.size()) && !p.facts.insns[target].seen;
      if (next_dead)
        p.editor.set(i, Insn{.code = kJmp | kJa, .off = in.off});
      else if (target_dead)
        p.editor.remove(i);
    }
    if (in.code == (kJmp | kJa) && in.off == 0) p.editor.remove(i);
  }
}

}  // namespace osmia::rewrite
