// What is known of a running program beside its bits: for each pointer the object that it came from, for each
// frame its registers, its real stack, and the places that may be outside their abstract values because a
// comparison of states did not look at them.
#pragma once
#include "recording.h"

namespace osmia::soundness {

// Where a value came from. A pointer keeps its object through copies and arithmetic.
struct Origin {
  enum Kind : u8 {
    kNumber,
    kFresh,   // made by the last instruction from outside (a helper's result, a loaded constant, an argument)
    kObject,  // points into the object at `address`
  };
  Kind kind = kNumber;
  contract::RegBase base = contract::RegBase::kNotInit;
  u64 address = 0;
};

struct ConcreteFrame {
  u64 r[11] = {};
  Origin from[11] = {};
  alignas(16) u8 stack[verifier::kMaxStackBytes];
  // Pointers on the stack: what was last stored to a whole slot, and whence.
  u64 slot_value[verifier::kMaxSlots] = {};
  Origin slot_from[verifier::kMaxSlots] = {};
  Places loose;   // outside the abstract value, with leave
  Places unread;  // of these: verification said that nobody will read it
  u32 subprog = 0;

  u64 fp() const { return reinterpret_cast<u64>(stack + sizeof stack); }
  const u8* slot(int i) const { return stack + sizeof stack - 8 * (i + 1); }
};

// The packet as the program's context shows it now; zero without one.
struct PacketView {
  bool known = false;
  u64 data = 0, data_end = 0, data_meta = 0;
};

struct Surroundings {
  u64 ctx = 0;
  PacketView packet;
};

}  // namespace osmia::soundness
