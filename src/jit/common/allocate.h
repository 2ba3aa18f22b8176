// Register allocation: live ranges of SSA values, phis joined with their arguments where those do not meet,
// then a linear scan that knows the holes in ranges. A value lives in one place all its life. Invariant: two
// values whose ranges meet never share a place, and nothing lives in a register that is clobbered meanwhile.
#pragma once
#include "jit/common/ir.h"

namespace osmia::jit {

// What a CPU tells the allocator. Registers are small numbers; masks have a bit each.
struct Machine {
  std::vector<u8> order;  // that may be allocated, in order of preference
  u32 caller_saved = 0;
  u8 arg_regs[5] = {};
  u8 result_reg = 0;
  u8 cycle_reg = 0;      // the emitter's own, through which moves in a circle go
  u32 most_slots = ~0u;  // words that instructions reach in a frame
  // Can `user` take this constant as its operand k (0 = a, 1 = b, 2 = c) without a register?
  bool (*takes_constant)(const Function& f, const Node& user, u32 k, Val constant) = nullptr;
  // Registers that this node (not a call) destroys between reading its operands and writing its result.
  u32 (*clobbers)(const Function& f, const Node& n) = nullptr;
  // Bit k: operand k is read when the result may have been written already.
  u8 (*late_operands)(const Function& f, const Node& n) = nullptr;
  // Register in which the result comes by itself, or -1; register that operand a is wanted in, or -1.
  s8 (*result_hint)(const Node& n) = nullptr;
  s8 (*operand_hint)(const Node& n) = nullptr;
};

// Where a value is.
struct Place {
  enum Kind : u8 { kNone, kReg, kSlot, kConst, kFrame } kind = kNone;
  u8 reg = 0;
  u32 slot = 0;  // index of an 8-byte word
};

struct Allocation {
  std::vector<Place> place;     // by value
  std::vector<u32> live_until;  // by value: position behind its last use (4 × index in order + 0 … 4)
  u32 slots = 0;                // words
  u32 used_regs = 0;
  // Registers that hold something live into the block, by block.
  std::vector<u32> live_in_regs;
};

// Constants that need a register in a loop are made in the entry block.
void place_constants(Function& f, const Machine& m);
Allocation allocate(const Function& f, const Machine& m);

}  // namespace osmia::jit
