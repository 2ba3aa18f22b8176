// Spectre v4: behind a store after which an older value of the slot would be a pointer or not the program's
// own, nothing may be executed ahead of it.
#include "isa/opcode_table.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

void insert_barriers(Pass& p) {
  const isa::Insn barrier{.code = isa::kSt | isa::kNospecMode};
  for_each_live(p, [&](u32 i, const isa::Insn& in) {
    // A helper that fills a buffer on the stack is noted too: its return is far enough away.
    const bool store = (in.cls() == isa::kSt || in.cls() == isa::kStx) && in.mode() == isa::kMem;
    if (store && p.facts.insns[i].nospec) p.editor.insert_after(i, std::span(&barrier, 1));
  });
}

}  // namespace osmia::rewrite
