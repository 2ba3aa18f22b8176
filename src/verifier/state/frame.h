// One call frame: eleven registers and a stack that is shared in chunks between states. Invariant: a frame
// reached through a Cow is only written after Cow::mut(); a stack chunk likewise.
#pragma once
#include <array>
#include <vector>

#include "verifier/state/cow.h"
#include "verifier/state/reg_state.h"

namespace osmia::verifier {

// Slots counted downwards from the frame pointer: slot i holds bytes [fp-8*(i+1), fp-8*i).
class Stack {
 public:
  static constexpr int kChunk = 4;
  int slots() const { return slots_; }  // allocated so far
  int bytes() const { return slots_ * kRegSize; }
  const StackSlot& operator[](int slot) const { return (*chunks_[slot / kChunk])[slot % kChunk]; }
  StackSlot& mut(int slot) { return chunks_[slot / kChunk].mut()[slot % kChunk]; }
  // Grows so that `slots` slots exist; new bytes are kInvalid.
  void grow(int slots) {
    while (static_cast<int>(chunks_.size()) * kChunk < slots) chunks_.push_back(Cow<Chunk>::make());
    if (slots > slots_) slots_ = slots;
  }
  // Whether two stacks share slot's chunk (then they are equal there).
  bool shares(const Stack& o, int slot) const {
    return slot / kChunk < static_cast<int>(o.chunks_.size()) &&
           chunks_[slot / kChunk].same(o.chunks_[slot / kChunk]);
  }

 private:
  using Chunk = std::array<StackSlot, kChunk>;
  std::vector<Cow<Chunk>> chunks_;
  int slots_ = 0;
};

struct RetvalRange {
  s32 min = 0, max = 0;
  bool set = false;
};

struct Frame {
  RegState regs[11];
  Stack stack;
  s32 callsite = -1;  // insn index of the call, -1 in the main function
  u32 frameno = 0;
  u32 subprog = 0;  // index into Env::subprogs
  bool in_callback = false, in_async_callback = false, in_exception_callback = false;
  RetvalRange callback_ret;
  u32 callback_depth = 0;  // iterations of the callback explored on this path
  u32 async_entry = 0;
};

}  // namespace osmia::verifier
