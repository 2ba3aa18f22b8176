// Dead code: what no path reached is removed, and a branch that is always or never taken loses the other way.
// The unprivileged keep the size of their program: dead instructions become jumps to themselves.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

namespace {

bool is_conditional(const Insn& in) {
  if (in.cls() == kJmp32) return in.op() != kJa;
  return in.cls() == kJmp && in.op() != kJa && in.op() != kCall && in.op() != kExit;
}

// Nothing that runs lies between a forward jump and its target: once the dead code is gone it leads nowhere.
bool leads_to_next(const Pass& p, u32 jump, s32 off) {
  for (s32 k = 0; k < off; k++)
    if (p.facts.insns[jump + 1 + static_cast<u32>(k)].seen) return false;
  return off >= 0;
}

void trap(Pass& p, u32 i) {
  p.editor.replace(i, {Piece{Insn{.code = kJmp | kJa, .off = -1}}});
}

}  // namespace

void remove_dead_code(Pass& p) {
  const auto& insns = p.program.insns;
  const bool privileged = p.options.privileged;
  for (u32 i = 0; i < insns.size(); i++) {
    const bool wide = is_ld_imm64(insns[i]);
    const verifier::InsnFacts& f = p.facts.insns[i];
    for (u32 half = 0; half <= wide && !f.seen; half++) {
      if (privileged)
        p.editor.remove(i + half);
      else
        trap(p, i + half);
    }
    if (f.seen && f.removable && p.options.calls_keep_registers) {
      if (privileged)
        p.editor.remove(i);
      else
        p.editor.set(i, Insn{.code = kJmp | kJa});  // the unprivileged keep the size
    } else if (f.seen && privileged && !wide) {
      Insn in = insns[i];
      if (is_conditional(in)) {
        const u32 target = i + 1 + static_cast<u32>(s32{in.off});
        const bool next_dead = i + 1 < insns.size() && !p.facts.insns[i + 1].seen;
        if (next_dead)
          p.editor.set(i, in = Insn{.code = kJmp | kJa, .off = in.off});
        else if (target < insns.size() && !p.facts.insns[target].seen)
          p.editor.remove(i);
      }
      if (in.code == (kJmp | kJa) && leads_to_next(p, i, in.off)) p.editor.remove(i);
    }
    i += wide;
  }
}

}  // namespace osmia::rewrite
