// LD_ABS and LD_IND: a call that reads the packet, and the implicit exit with 0 where it cannot (Q&A: "LD_ABS
// and LD_IND instructions vs C code"). r6 is the context, r0 the result, r1 to r5 are clobbered.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;

void expand_packet_loads(Pass& p) {
  s32 index = -1;
  for (u32 i = 0; i < p.program.insns.size(); i++) {
    const Insn& in = p.program.insns[i];
    if (is_ld_imm64(in)) {
      i++;
      continue;
    }
    if (in.cls() != kLd || (in.mode() != kAbs && in.mode() != kInd) || p.editor.removed(i) ||
        !p.facts.insns[i].seen)
      continue;
    if (index < 0) {
      p.out.calls.push_back({.fn = p.options.load_packet, .name = "LD_ABS", .args = 3});
      index = static_cast<s32>(p.out.calls.size() - 1);
      if (!p.options.load_packet) p.out.missing += p.out.missing.empty() ? "LD_ABS" : ", LD_ABS";
    }
    std::vector<Piece> out;
    // r2 = offset first: LD_IND's register may be r1 or r3.
    if (in.mode() == kInd) {
      out.push_back({Insn{.code = kAlu | kMov | kX, .dst = kR2, .src = in.src}});
      if (in.imm) out.push_back({Insn{.code = kAlu | kAdd | kK, .dst = kR2, .imm = in.imm}});
    } else {
      out.push_back({Insn{.code = kAlu | kMov | kK, .dst = kR2, .imm = in.imm}});
    }
    out.push_back({Insn{.code = kAlu64 | kMov | kX, .dst = kR1, .src = kR6}});
    out.push_back({Insn{.code = kAlu64 | kMov | kK, .dst = kR3, .imm = size_bytes(in.size_bits())}});
    out.push_back({Insn{.code = kJmp | kCall, .imm = index}});
    out.push_back({Insn{.code = kJmp | kJsge | kK, .dst = kR0, .off = 2, .imm = 0}});
    out.push_back({Insn{.code = kAlu | kMov | kK, .dst = kR0, .imm = 0}});
    out.push_back({Insn{.code = kJmp | kExit}});
    p.editor.replace(i, std::move(out));
  }
}

}  // namespace osmia::rewrite
