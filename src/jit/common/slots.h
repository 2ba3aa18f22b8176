// Stack slots that can be variables: only loads and stores at r10 and a constant reach them, always at the
// same place and with one store size. Invariant: no two of them overlap, and nothing else touches their
// bytes.
#pragma once
#include <array>
#include <vector>

#include "jit/common/flat.h"

namespace osmia::jit {

struct Slots {
  struct Slot {
    s16 off = 0;   // from r10
    u8 bytes = 0;  // of its stores; loads read at most so many
  };
  std::vector<Slot> slots;
  bool memory_used = false;  // something on the stack stays in memory
  // Index of the slot that an access at this offset means, or -1: it is memory.
  int find(s32 off) const { return off < 0 && off >= -512 ? index_[static_cast<size_t>(off + 512)] : -1; }

  std::array<s16, 512> index_{};
};

// addressed: bit n = bytes [r10 - 8 (n + 1), r10 - 8 n) may be reached through other pointers. most: slots.
Slots find_slots(const std::vector<Flat>& code, u64 addressed, u32 most);

}  // namespace osmia::jit
