// Copying a path state: frames by reference, marks by value, only as deep as the call chain is.
#include "verifier/state/path_state.h"

namespace osmia::verifier {

void PathState::assign(const PathState& o) {
  for (u32 f = 0; f <= o.curframe; f++) {
    frames[f] = o.frames[f];
    marks[f] = o.marks[f];
  }
  for (u32 f = o.curframe + 1; f <= curframe; f++) frames[f].reset();
  curframe = o.curframe;
  refs = o.refs;
  active_lock = o.active_lock;
  active_preempt_locks = o.active_preempt_locks;
  active_rcu_lock = o.active_rcu_lock;
  speculative = o.speculative;
  in_sleepable = o.in_sleepable;
  parent = o.parent;
  branches = o.branches;
  first_insn_idx = o.first_insn_idx;
  last_insn_idx = o.last_insn_idx;
  dfs_depth = o.dfs_depth;
  callback_unroll_depth = o.callback_unroll_depth;
  may_goto_depth = o.may_goto_depth;
  loop_entry = o.loop_entry;
  used_as_loop_entry = o.used_as_loop_entry;
  history_start = o.history_start;
  history_end = o.history_end;
  trail = o.trail;
}

}  // namespace osmia::verifier
