// Live ranges of the values of a function. Position of order[i] is 4 i: operands are read at 4 i (late ones
// at 4 i + 2), clobbers happen at 4 i + 1, results are written at 4 i + 2; phis are written where their block
// begins and their arguments read where the predecessor ends.
#pragma once
#include "jit/common/allocate.h"

namespace osmia::jit {

struct LiveRange {
  u32 from = 0, to = 0;  // half open
};

struct Liveness {
  std::vector<LiveRange> ranges;             // of all values, by value
  std::vector<u32> begin;                    // by value (and one more): in ranges
  std::vector<float> cost;                   // by value: uses and definitions, weighted by loop depth
  std::vector<std::pair<u32, Val>> live_in;  // block, value; in no order
  std::vector<u8> in_register;               // by value: needs a place of its own
};
Liveness find_live_ranges(const Function& f, const Machine& m);

}  // namespace osmia::jit
