// The graph grows by one node a visit. The stack of waiting branches mirrors the explorer's, so that a branch
// taken up later still knows the instruction that it came from. What only mis-speculation reaches is left
// out: no run goes there.
#include "recording.h"

namespace osmia::soundness {

using verifier::PathState;

void Recording::clear() {
  *this = Recording(most_nodes_);
}

void Recording::begin(const verifier::Env&, u32) {
  checkpoints_.clear();
  covered_before_.clear();
  waiting_.clear();
  just_saved_ = nullptr;
  at_ = kNowhere;
  at_root_ = true;
}

u32 Recording::add(u32 insn_idx, const PathState& st) {
  const u32 id = static_cast<u32>(nodes_.size());
  Node n;
  n.insn = insn_idx;
  n.depth = st.curframe;
  for (u32 f = 0; f <= st.curframe; f++) n.frames.push_back(st.frames[f]);
  nodes_.push_back(std::move(n));
  if (at_ != kNowhere) nodes_[static_cast<size_t>(at_)].next.push_back(id);
  if (at_root_) roots_[st.frame().subprog].push_back(id);
  at_root_ = false;
  at_ = static_cast<s32>(id);
  return id;
}

void Recording::visit(u32 insn_idx, const PathState& st) {
  if (overflowed_) return;
  if (nodes_.size() >= most_nodes_) {
    clear();
    overflowed_ = true;
    return;
  }
  const PathState* checkpoint = std::exchange(just_saved_, nullptr);
  if (st.speculative) {
    at_ = kNowhere;
    at_root_ = false;
    return;
  }
  const u32 id = add(insn_idx, st);
  if (!checkpoint) return;
  checkpoints_[checkpoint] = id;
  for (u32 n : covered_before_[checkpoint]) nodes_[n].cover = static_cast<s32>(id);
  covered_before_.erase(checkpoint);
}

void Recording::resumed(const PathState& merged) {
  just_saved_ = &merged;
  at_ = kNowhere;
  at_root_ = false;
}

void Recording::saved(const PathState& checkpoint) {
  just_saved_ = &checkpoint;
}

void Recording::covered(u32 insn_idx, const PathState& st, const PathState& by, verifier::Exactness how) {
  if (overflowed_ || st.speculative) return;
  const u32 id = add(insn_idx, st);
  const auto it = checkpoints_.find(&by);
  if (it != checkpoints_.end())
    nodes_[id].cover = static_cast<s32>(it->second);
  else
    covered_before_[&by].push_back(id);  // by a merged state that is explored later
  if (how != verifier::Exactness::kNotExact) return;
  Relaxation relaxed;
  for (u32 f = 0; f <= by.curframe; f++) {
    const Frame& frame = *by.frames[f];
    const verifier::FrameMarks& m = by.marks[f];
    relaxed.unread[f].regs = static_cast<u16>(~(m.read32 | m.read64) & 0x3ff);  // never the frame pointer
    relaxed.unread[f].slots = ~m.stack_read;
    for (u32 r = 0; r < 10; r++)
      if (frame.regs[r].is_scalar() && !frame.regs[r].precise)
        relaxed.imprecise[f].regs |= static_cast<u16>(1u << r);
    for (int i = 0; i < frame.stack.slots(); i++)
      if (frame.stack[i].is_scalar_spill() && !frame.stack[i].spilled.precise)
        relaxed.imprecise[f].slots |= 1ull << i;
  }
  nodes_[id].relaxed = static_cast<s32>(relaxations_.size());
  relaxations_.push_back(relaxed);
}

void Recording::pushed(bool async) {
  waiting_.push_back({async ? kNowhere : at_, async});
}

void Recording::popped() {
  if (waiting_.empty()) return;  // after an overflow
  at_ = waiting_.back().from;
  at_root_ = waiting_.back().async;
  waiting_.pop_back();
}

const std::vector<u32>& Recording::roots(u32 subprog) const {
  static const std::vector<u32> none;
  const auto it = roots_.find(subprog);
  return it == roots_.end() ? none : it->second;
}

}  // namespace osmia::soundness
