// Zero extension (Q&A: "BPF 32-bit subregister requirements"): where the upper half of a 32-bit result is
// read later, an explicit 32-bit move clears it, for backends that need it. A backend with hardware support
// skips the move.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void insert_zero_extension(Pass& p) {
  for_each_live(p, [&](u32 i, const Insn& in) {
    if (!p.facts.insns[i].zext_dst || is_kfunc_call(in)) return;  // a kfunc's caller extends
    u8 dst = in.dst;
    if (in.cls() == kStx) dst = in.imm == kCmpxchg ? u8{kR0} : in.src;
    const Insn zext{.code = kAlu | kMov | kX, .dst = dst, .src = dst, .imm = 1};
    p.editor.insert_after(i, std::span(&zext, 1));
  });
}

}  // namespace osmia::rewrite
