// Whole states where paths meet: the least general state that holds both (join), the same with bounds that
// move going on to landmarks (widening), and whether one state holds all of another. Invariant: what
// holds(general, special) says is all that the certification of merged states rests on; join only has to make
// it true. Signatures must be equal first: what cannot be merged (references, locks, iterators, dynptrs).
#pragma once
#include <string>
#include <vector>

#include "verifier/env.h"
#include "verifier/native/trail.h"

namespace osmia::verifier::native {

// Registers and slots whose numeric part (Scalar and fixed offset) is not compared: the members of a loop's
// group.
using LocSet = std::vector<Loc>;

struct Landmarks {
  std::vector<s64> values;  // ascending, unique
  void add(s64 v);
};

// What merging lost at a register, for messages.
struct Loss {
  u32 insn;
  u32 reg;
  std::string a, b;
};

struct Joiner {
  Env& env;
  const Landmarks* landmarks = nullptr;  // null: join; else widen
  std::vector<Loss>* losses = nullptr;
  u32 insn = 0;
  // a := a state that holds both. Signatures are the same.
  void join(PathState& a, const PathState& b);
};

bool same_signature(const PathState& a, const PathState& b);
// Everything that `special` may be, `general` is too. `skip`: see LocSet.
bool holds(const Env& env, const PathState& general, const PathState& special, const LocSet& skip);

// The value at a location: a register, or a slot's spilled scalar or pointer; null where there is none.
const RegState* value_at(const PathState& st, Loc loc);
RegState* mut_value_at(PathState& st, Loc loc);
// p with the fixed offset `off`: the difference goes into the variable part. Only pointers that may be moved.
bool is_movable(const RegState& r);
RegState rebased(const RegState& p, s32 off);

}  // namespace osmia::verifier::native
