// Explorer: depth-first walk over all paths of one subprogram. It owns the pending branches and the
// checkpoints (explored states). Invariant: a checkpoint lives until the pass ends, because children walk up
// to it by pointer.
#pragma once
#include <memory>
#include <vector>

#include "verifier/env.h"
#include "verifier/state/compare.h"

namespace osmia::verifier {

class Explorer {
 public:
  explicit Explorer(Env& env);
  ~Explorer();

  // Verifies `subprog` from its entry. Throws Rejection; with Env::merger also native::Undecided.
  void run(u32 subprog);
  // For native::Merger: explores from st at insn_idx until every path has ended, there or in a merged state.
  // `at_point`: st is itself the merged state at insn_idx.
  void walk_segment(native::Merger& merger, const PathState& st, u32 insn_idx, bool at_point);

  PathState& push(u32 insn_idx, s32 prev_insn_idx, bool speculative);
  PathState& push_async(u32 insn_idx, s32 prev_insn_idx, u32 subprog, bool sleepable);
  const PathState* previous_entry(const PathState& st, u32 insn_idx);  // see state/ops.h

 private:
  struct Checkpoint {
    PathState st;
    u32 hits = 0, misses = 0;
    Checkpoint* next = nullptr;  // next older one in the bucket
  };
  struct Pending {
    PathState st;
    u32 insn_idx = 0;
    s32 prev_insn_idx = -1;
    u64 log_pos = 0;
  };
  enum class Visit { kGoOn, kPruned };

  void walk();  // the main loop
  // One instruction, and where to go on. False: the path ends there.
  bool execute(const Insn& in, bool* print_state);
  void count_instruction();   // and the limits that come with it
  void step(const Insn& in);  // one instruction that is no jump
  void init_frame(PathState& st, u32 subprog);
  PathState& add_pending(u32 insn_idx, s32 prev_insn_idx, bool speculative, const char* what);
  bool pop(s32* prev_insn_idx);  // false: no path is left
  bool end_path(s32* prev_insn_idx);
  Visit visit(u32 insn_idx);  // prune, or maybe save a checkpoint
  bool loops_back(Checkpoint& c, u32 insn_idx, bool* add_new, bool force_new);  // c is still open: converged?
  void save_checkpoint(u32 insn_idx);
  void clean_finished(u32 insn_idx);
  void check_memory();
  void log_instruction(bool* print_state);
  Checkpoint*& bucket(u32 insn_idx, const PathState& st);

  Env& env_;
  PathState cur_;
  std::vector<Checkpoint*> buckets_;
  std::vector<std::unique_ptr<Checkpoint>> all_;  // ownership; a freed one leaves a null
  std::vector<std::unique_ptr<Pending>> pending_, spare_;
  IdMap ids_;
};

// -- path/loops.cpp: which states are part of which loop
PathState* loop_entry_of(PathState* st);
void update_loop_entry(PathState* cur, PathState* header);
void finish_branch(PathState* st);  // one path from here is done; ends its parents' too

// -- path/liveness.cpp
// The lowest register of frame f that may be read once the frames above it have returned. A helper that calls
// back needs its arguments again for the next round (Linux 6.12 forgets them, so that a state could be taken
// for another with a different callback context or number of rounds).
inline u32 first_live_reg(const PathState& st, u32 f) {
  if (f == st.curframe) return 0;
  return st.frames[f + 1]->in_callback ? 1 : 6;
}
void clean_state(const Env& env, PathState& st);
void propagate_liveness(Env& env, const PathState& seen, PathState& cur);

// -- path/precision.cpp
void propagate_precision(Env& env, const PathState& seen);
void forget_precision(PathState& st);

}  // namespace osmia::verifier
