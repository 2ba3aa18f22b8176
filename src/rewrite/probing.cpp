// Loads through pointers to kernel objects may fault: they become probing loads, which give zero instead.
#include "rewrite/rewrite.h"

namespace osmia::rewrite {

using namespace isa;
using contract::RegBase;

void mark_probing_loads(Pass& p) {
  for_each_live(p, [&](u32 i, Insn in) {
    if (in.cls() != kLdx || p.facts.insns[i].ctx_field) return;
    const auto t = p.facts.insns[i].ptr_type;
    const bool lives = t.has(contract::kTrusted | contract::kAlloc) && !t.has(contract::kUntrusted);
    const bool object = t.base == RegBase::kBtfId && !lives;
    const bool untrusted_mem = t.base == RegBase::kMem && t.has(contract::kUntrusted);
    if (!object && !untrusted_mem) return;
    in.code = static_cast<u8>((in.code & 0x1f) | (in.mode() == kMemsx ? kProbeMemsx : kProbeMem));
    p.editor.set(i, in);
  });
}

}  // namespace osmia::rewrite
