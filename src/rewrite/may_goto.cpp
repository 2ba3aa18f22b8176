// may_goto as a counter below everything else of the frame: set when the subprogram is entered, one less at
// each pass, and the jump is taken when it is used up. All of a subprogram's may_goto share it.
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;
using namespace build;

void expand_may_goto(Pass& p) {
  constexpr s32 kRounds = 8 * 1024 * 1024;  // BPF_MAX_LOOPS
  for (size_t s = 0; s < p.facts.subprogs.size(); s++) {
    const auto& sub = p.facts.subprogs[s];
    const s32 counter = -static_cast<s32>(p.frame[s]) - 8;
    bool any = false;
    for (u32 i = sub.start; i < sub.end; i++) {
      const Insn& in = p.program.insns[i];
      if (in.code == (kJmp | kJcond) && p.facts.insns[i].seen && !p.editor.removed(i)) {
        p.editor.replace(i,
                         {Piece{load(kDw, kAx, kFp, counter)}, Piece{jump_if(true, kJeq, kAx, 0, 0), false},
                          Piece{alu(true, kSub, kAx, 1)}, Piece{store(kDw, kFp, kAx, counter)}});
        any = true;
      }
      i += is_ld_imm64(in);
    }
    if (!any) continue;
    p.frame[s] += 8;
    const Insn init = store_imm(kDw, kFp, kRounds, counter);
    p.editor.insert_at_entry(sub.start, std::span(&init, 1));
  }
}

}  // namespace osmia::rewrite
