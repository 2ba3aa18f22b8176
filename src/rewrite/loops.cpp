// bpf_loop with one callback that is known, and no flags: a loop that calls the subprogram itself. r6 to r8
// hold limit, count and context meanwhile; their values are kept below everything else of the frame.
// Too many rounds give -E2BIG as the helper does.
#include <cerrno>

#include "base/bits.h"
#include "rewrite/build.h"
#include "rewrite/rewrite.h"

namespace osmia::rewrite {
namespace {

using namespace isa;
using namespace build;

inline constexpr s32 kMaxLoops = 8 * 1024 * 1024;  // BPF_MAX_LOOPS
inline constexpr size_t kCallAt = 12;

std::vector<Piece> loop_pieces(s32 saved, s64 callback) {
  const Insn insns[] = {
      jump_if(true, kJle, kR1, kMaxLoops, 2),
      mov32(kR0, -E2BIG),
      jump(16),
      store(kDw, kFp, kR6, saved),
      store(kDw, kFp, kR7, saved + 8),
      store(kDw, kFp, kR8, saved + 16),
      mov_reg(kR6, kR1),
      mov32(kR7, 0),
      mov_reg(kR8, kR3),
      jump_if_reg(true, kJge, kR7, kR6, 5),
      mov_reg(kR1, kR7),
      mov_reg(kR2, kR8),
      {.code = kJmp | kCall, .src = kPseudoCall},
      alu(true, kAdd, kR7, 1),
      jump_if(true, kJeq, kR0, 0, -6),
      mov_reg(kR0, kR7),
      load(kDw, kR6, kFp, saved),
      load(kDw, kR7, kFp, saved + 8),
      load(kDw, kR8, kFp, saved + 16),
  };
  std::vector<Piece> out;
  for (const Insn& in : insns) out.push_back({in});
  out[kCallAt].fixed = false;
  out[kCallAt].target = callback;
  return out;
}

}  // namespace

void inline_loops(Pass& p) {
  for (size_t s = 0; s < p.facts.subprogs.size(); s++) {
    const auto& sub = p.facts.subprogs[s];
    const u32 grown = static_cast<u32>(align_up(p.frame[s], 8)) + verifier::kLoopSpillBytes;
    if (grown > p.options.max_frame_bytes) continue;
    bool any = false;
    for (u32 i = sub.start; i < sub.end; i++) {
      const verifier::InsnFacts& f = p.facts.insns[i];
      if (!f.seen || !f.inlinable_loop || f.callback_subprog < 0) continue;
      const u32 callback = p.facts.subprogs[static_cast<size_t>(f.callback_subprog)].start;
      if (!p.facts.insns[callback].seen) continue;  // no round is ever made: the callback is removed as dead
      p.editor.replace(i, loop_pieces(-static_cast<s32>(grown), callback));
      any = true;
    }
    if (any) p.frame[s] = grown;
  }
}

}  // namespace osmia::rewrite
