// The natural loops of a program, by dominators, each subprogram on its own.
// Invariant: in a reducible subprogram every cycle of its control flow goes through the head of a loop that
// holds the whole cycle, and a loop is entered only through its head.
#pragma once
#include <vector>

#include "isa/insn.h"
#include "verifier/env.h"

namespace osmia::verifier::native {

struct Loop {
  u32 head = 0;
  u32 first = 0;  // instruction that body[0] stands for
  std::vector<bool> body;
  bool contains(u32 insn) const { return insn >= first && insn - first < body.size() && body[insn - first]; }
};

class LoopForest {
 public:
  explicit LoopForest(const Env& env);

  bool reducible() const { return irreducible_at_ < 0; }
  s32 irreducible_at() const { return irreducible_at_; }  // an instruction that jumps into a cycle's middle
  const std::vector<Loop>& loops() const { return loops_; }
  const Loop* headed_by(u32 insn) const {
    return head_of_[insn] < 0 ? nullptr : &loops_[static_cast<u32>(head_of_[insn])];
  }
  // Position in a reverse post-order that puts loops before what comes after them where it can.
  u32 order(u32 insn) const { return order_[insn]; }

 private:
  void build(const Env& env, u32 start, u32 end);

  std::vector<Loop> loops_;
  std::vector<s32> head_of_;
  std::vector<u32> order_;
  s32 irreducible_at_ = -1;
};

// Where control may go on inside the subprogram. Returns how many (0 to 2).
int successors(const Env& env, u32 insn, u32 out[2]);

}  // namespace osmia::verifier::native
