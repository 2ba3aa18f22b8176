// The main loop of the native profile: like walk(), but paths end in merged states (native/merger.h), which
// decide what is explored next; nothing is pruned here and no history is kept.
#include "verifier/log/log.h"
#include "verifier/native/merger.h"
#include "verifier/path/explorer.h"
#include "verifier/path/observer.h"
#include "verifier/state/ops.h"

namespace osmia::verifier {

void Explorer::walk_segment(native::Merger& merger, const PathState& st, u32 insn_idx, bool at_point) {
  cur_ = PathState{};
  cur_.assign(st);
  cur_.branches = 1;
  cur_.parent = nullptr;
  env_.insn_idx = insn_idx;
  mark_state_scratched(env_);
  pending_.clear();
  s32 prev_insn_idx = -1;
  bool print_state = false;
  const u32 count = static_cast<u32>(env_.insns.size());
  if (at_point && env_.opt.observer) env_.opt.observer->resumed(st);
  for (bool first = at_point;; first = false) {
    env_.current_history = -1;
    env_.prev_insn_idx = prev_insn_idx;
    if (env_.insn_idx >= count) env_.reject(EFAULT, "invalid insn idx {} insn_cnt {}", env_.insn_idx, count);
    const Insn in = env_.insns[env_.insn_idx];
    count_instruction();
    if (!first && merger.arrive(env_.insn_idx)) {
      if (env_.log_states()) env_.log("{}: merged\n", env_.insn_idx);
      if (!end_path(&prev_insn_idx)) return;
      print_state = true;
      continue;
    }
    if (env_.opt.observer) env_.opt.observer->visit(env_.insn_idx, cur_);
    log_instruction(&print_state);
    env_.aux[env_.insn_idx].seen = true;
    prev_insn_idx = static_cast<s32>(env_.insn_idx);
    const u32 at = env_.insn_idx;
    bool goes_on;
    try {
      merger.before(in);
      goes_on = execute(in, &print_state);
    } catch (const Rejection& r) {
      if (r.unsupported || !merger.searching()) throw;
      goes_on = merger.forgive(in);
      env_.insn_idx = at + 1;
    }
    if (goes_on) continue;
    if (!end_path(&prev_insn_idx)) return;
    print_state = true;
  }
}

}  // namespace osmia::verifier
