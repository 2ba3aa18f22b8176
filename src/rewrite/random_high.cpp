// BPF_F_TEST_RND_HI32: a 32-bit result whose upper half nobody should read gets random bits there. A program
// that changes its result by it shows a wrong zext_dst fact.
#include "isa/opcode_table.h"
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;

// The register whose 32-bit definition this is; -1: it defines none, or all 64 bits.
int defines32(const Insn& in, const OpInfo& op) {
  switch (op.kind) {
    case OpKind::kAlu:
    case OpKind::kMov:
    case OpKind::kMovSx:
    case OpKind::kNeg: return op.width == 32 ? in.dst : -1;
    case OpKind::kEndian:
    case OpKind::kBswap:
    case OpKind::kLoad: return op.width < 64 ? in.dst : -1;
    case OpKind::kAtomic:
      if (op.width != 32) return -1;
      if (in.imm == kCmpxchg) return kR0;
      return in.imm & kFetch ? in.src : -1;
    default: return -1;
  }
}

}  // namespace

void randomize_high_halves(Pass& p) {
  u32 random = 0x9e3779b9;
  for_each_live(p, [&](u32 i, const Insn& in) {
    const verifier::InsnFacts& f = p.facts.insns[i];
    const OpInfo* op = lookup(in);
    if (f.zext_dst || f.ctx_field || !op) return;
    const int reg = defines32(in, *op);
    if (reg < 0) return;
    random = random * 1664525u + 1013904223u;
    const Insn bits[] = {mov(kAx, static_cast<s32>(random)), alu(true, kLsh, kAx, 32),
                         alu_reg(true, kOr, static_cast<u8>(reg), kAx)};
    p.editor.insert_after(i, bits);
  });
}

}  // namespace osmia::rewrite
