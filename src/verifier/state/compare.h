// State equivalence: does what was proved from an explored state hold from the current one too?
#pragma once
#include "verifier/env.h"

namespace osmia::verifier {

// How alike two states must be.
//  kNotExact: registers that the explored state's continuation never read do not count, and ranges of scalars
//  that
//    it never needed precisely do not either. Sound once the explored state's marks are final.
//  kExact: the same in every respect. Finds endless loops.
//  kRangeWithin: everything counts, but a narrower range is fine. Sound while marks are not final (inside
//  loops).
enum class Exactness : u8 { kNotExact, kExact, kRangeWithin };

// A one-to-one correspondence between ids of the explored state and ids of the current one.
class IdMap {
 public:
  void reset(u32 first_temporary) {
    count_ = 0;
    temporary_ = first_temporary;
  }
  bool check(u32 old_id, u32 cur_id);
  // Scalars: an old id of 0 asks for nothing; a current 0 stands for an id of its own.
  bool check_scalar(u32 old_id, u32 cur_id);

 private:
  struct Pair {
    u32 old_id, cur_id;
  };
  static constexpr u32 kMax = 1024;
  Pair pairs_[kMax];
  u32 count_ = 0;
  u32 temporary_ = 0;
};

bool states_equal(Env& env, const PathState& old, const PathState& cur, Exactness exact, IdMap& ids);
bool regs_exact(const RegState& old, const RegState& cur, IdMap& ids);
// The current frames' registers are the same, ids included (a cheap first test for endless loops).
bool states_maybe_looping(const PathState& old, const PathState& cur);
bool same_callsites(const PathState& a, const PathState& b);
// An active iterator was advanced a different number of times.
bool iter_depths_differ(const PathState& old, const PathState& cur);

}  // namespace osmia::verifier
