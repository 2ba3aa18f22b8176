// Recording: the graph of states that one verification explored, rebuilt from what the explorer tells its
// Observer. A node is one visit of an instruction with the state it was explored from; its successors are the
// visits that came out of it; a node whose path ended because an earlier checkpoint covers it points there.
// Invariant: nodes keep the states alive (copy-on-write), exactly as they were when they were explored.
#pragma once
#include <array>
#include <unordered_map>
#include <vector>

#include "verifier/path/observer.h"

namespace osmia::soundness {

using verifier::Frame;
using verifier::kMaxFrames;
using verifier::RegState;
using verifier::StackSlot;

// Places of one frame: bit r = register r, bit i = stack slot i.
struct Places {
  u16 regs = 0;
  u64 slots = 0;
  bool empty() const { return !regs && !slots; }
  bool within(const Places& o) const { return !(regs & ~o.regs) && !(slots & ~o.slots); }
  Places operator|(const Places& o) const { return {static_cast<u16>(regs | o.regs), slots | o.slots}; }
  Places operator&(const Places& o) const { return {static_cast<u16>(regs & o.regs), slots & o.slots}; }
};

// What the comparison that ended a path did not look at, frame by frame.
struct Relaxation {
  std::array<Places, kMaxFrames> unread;     // the checkpoint's continuation never read it
  std::array<Places, kMaxFrames> imprecise;  // a scalar whose value the continuation never needed
};

struct Node {
  u32 insn = 0;
  u32 depth = 0;     // the current frame's number
  s32 cover = -1;    // node whose continuation stands for this one's
  s32 relaxed = -1;  // index into relaxations; -1 with a cover: every place was compared
  std::vector<verifier::Cow<Frame>> frames;
  std::vector<u32> next;
};

class Recording final : public verifier::Observer {
 public:
  explicit Recording(size_t most_nodes = 400000) : most_nodes_(most_nodes) {}

  void begin(const verifier::Env& env, u32 subprog) override;
  void visit(u32 insn_idx, const verifier::PathState& st) override;
  void saved(const verifier::PathState& checkpoint) override;
  void covered(u32 insn_idx, const verifier::PathState& st, const verifier::PathState& by,
               verifier::Exactness how) override;
  void resumed(const verifier::PathState& merged) override;
  void restart() override { clear(); }
  void pushed(bool async) override;
  void popped() override;

  // More nodes than were allowed for: nothing was kept and nothing can be checked.
  bool overflowed() const { return overflowed_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const Relaxation& relaxation(s32 i) const { return relaxations_[static_cast<size_t>(i)]; }
  // Nodes at which a subprogram's own verification, or an asynchronous callback, begins.
  const std::vector<u32>& roots(u32 subprog) const;
  void clear();

 private:
  static constexpr s32 kNowhere = -1;
  struct Waiting {
    s32 from = kNowhere;
    bool async = false;
  };
  u32 add(u32 insn_idx, const verifier::PathState& st);

  size_t most_nodes_;
  bool overflowed_ = false;
  std::vector<Node> nodes_;
  std::vector<Relaxation> relaxations_;
  std::vector<Waiting> waiting_;
  std::unordered_map<const verifier::PathState*, u32> checkpoints_;
  std::unordered_map<const verifier::PathState*, std::vector<u32>> covered_before_;  // it was visited
  std::unordered_map<u32, std::vector<u32>> roots_;
  const verifier::PathState* just_saved_ = nullptr;
  s32 at_ = kNowhere;
  bool at_root_ = false;
};

}  // namespace osmia::soundness
