// Grace periods: when may memory be used again that a running program could still look at? Readers pay
// nothing beyond the RunScope they are in anyway; who takes something out of a shared structure waits,
// without blocking, until every run that could have seen it has ended (or has passed a quiescent point).
#pragma once
#include <vector>

#include "base/types.h"

namespace osmia::host {

// Between two runs inside one RunScope: the thread holds no address of anything shared any more.
void quiescent_point();

class Grace {
 public:
  // After the last reference was taken out of the shared structure.
  void begin();
  // Have all runs of that moment ended? True before begin(). except_own: do not count the calling thread's
  // run.
  bool over(bool except_own = false) const;

 private:
  struct Busy {
    u32 slot;
    u64 sequence;
  };
  mutable std::vector<Busy> busy_;  // runs that were going on; those seen to have ended are dropped
};

}  // namespace osmia::host
