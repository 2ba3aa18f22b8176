// Zero extension (Q&A: "BPF 32-bit subregister requirements"): where the upper half of a 32-bit result is
// read later, an explicit 32-bit move clears it, for backends that need it. A backend with hardware support
// skips the move.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void insert_zero_extension(Pass& p) {
  if (!p.options.insert_zext) return;
  for (u32 i = 0; i < p.program.insns.size(); i++) {
    const Insn& in = p.program.insns[i];
    if (is_ld_imm64(in)) {
      i++;
      continue;
    }
    if (!p.facts.insns[i].zext_dst || p.editor.removed(i)) continue;
    u8 dst = in.dst;
    if (in.cls() == kStx) dst = in.imm == kCmpxchg ? u8{kR0} : in.src;
    const Insn zext{.code = kAlu | kMov | kX, .dst = dst, .src = dst, .imm = 1};
    p.editor.insert_after(i, std::span(&zext, 1));
  }
}

}  // namespace osmia::rewrite
