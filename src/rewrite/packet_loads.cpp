// LD_ABS and LD_IND: a call that reads the packet, and the implicit exit with 0 where it cannot (Q&A: "LD_ABS
// and LD_IND instructions vs C code"). r6 is the context, r0 the result, r1 to r5 are clobbered.
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;
using namespace build;

void expand_packet_loads(Pass& p) {
  s32 index = -1;
  for_each_live(p, [&](u32 i, const Insn& in) {
    if (in.cls() != kLd || (in.mode() != kAbs && in.mode() != kInd)) return;
    if (index < 0) {
      p.out.calls.push_back({.fn = p.options.load_packet, .name = "LD_ABS", .args = 3});
      index = static_cast<s32>(p.out.calls.size() - 1);
      if (!p.options.load_packet) p.out.missing += p.out.missing.empty() ? "LD_ABS" : ", LD_ABS";
    }
    std::vector<Piece> out;
    // r2 = offset first: LD_IND's register may be r1 or r3.
    if (in.mode() == kInd) {
      out.push_back({alu_reg(false, kMov, kR2, in.src)});
      if (in.imm) out.push_back({alu(false, kAdd, kR2, in.imm)});
    } else {
      out.push_back({mov32(kR2, in.imm)});
    }
    out.push_back({mov_reg(kR1, kR6)});
    out.push_back({mov(kR3, size_bytes(in.size_bits()))});
    out.push_back({Insn{.code = kJmp | kCall, .imm = index}});
    out.push_back({jump_if(true, kJsge, kR0, 0, 2)});
    out.push_back({mov32(kR0, 0)});
    out.push_back({exit()});
    p.editor.replace(i, std::move(out));
  });
}

}  // namespace osmia::rewrite
