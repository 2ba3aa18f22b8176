// What a struct of functions lets run before and after its programs (contract/struct_ops_def.h). The prologue
// runs once, however often the program jumps back to its start; every exit of the main program, and no other,
// becomes the epilogue, which finds the context in a slot of its own below the rest of the frame.
#include "base/bits.h"
#include "base/bug.h"
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

bool has_epilogue(const Pass& p) {
  return p.facts.struct_ops_member && !p.facts.struct_ops_member->epilogue.empty();
}

bool is_exit(const Insn& in) {
  return in.code == (kJmp | kExit);
}

Insn with_slot(Insn in, s32 slot) {
  if (in.cls() == kLdx && in.src == kR10 && in.off == 0) in.off = static_cast<s16>(slot);
  return in;
}

}  // namespace

void reserve_context_slot(Pass& p) {
  if (!has_epilogue(p)) return;
  // The view shows Linux's slot, which need not be aligned; engines have aligned frames.
  if (!p.options.linux_view) p.frame[0] = static_cast<u32>(align_up(p.frame[0], 8));
  p.frame[0] += verifier::kContextSlotBytes;
  p.context_slot = -static_cast<s32>(p.frame[0]);
}

void wrap_program(Pass& p) {
  const contract::StructOpsMember* member = p.facts.struct_ops_member;
  if (!member) return;
  std::vector<Insn> entry(member->prologue.begin(), member->prologue.end());
  if (has_epilogue(p)) entry.push_back(build::store(kDw, kR10, kR1, p.context_slot));
  for (Insn& in : entry) in = with_slot(in, p.context_slot);
  if (!entry.empty()) p.editor.insert_at_entry(0, entry);
  if (!has_epilogue(p)) return;
  OSMIA_BUG_IF(!is_exit(member->epilogue.back()));
  s64 first = -1;
  for_each_live(p, [&](u32 i, const Insn& in) {
    if (i >= p.facts.subprogs[0].end || !is_exit(in)) return;
    std::vector<Piece> pieces;
    if (first >= 0) {
      pieces.push_back({Insn{.code = kJmp32 | kJa}, false, first});
    } else {
      first = i;
      for (const Insn& e : member->epilogue) pieces.push_back({with_slot(e, p.context_slot)});
    }
    p.editor.replace(i, std::move(pieces));
  });
}

}  // namespace osmia::rewrite
