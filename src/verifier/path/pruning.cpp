// Pruning: is what lies ahead of this state already proved? Compare with the checkpoints at this instruction;
// if none is equivalent, maybe save a new one. When to save and when to evict decides only time and memory,
// but those thresholds are Linux's, so that the number of instructions processed is too.
#include "verifier/log/log.h"
#include "verifier/path/explorer.h"
#include "verifier/path/observer.h"
#include "verifier/state/ops.h"

namespace osmia::verifier {

inline constexpr u32 kMaxStatesUnprivileged = 64;  // at one instruction

Explorer::Checkpoint*& Explorer::bucket(u32 insn_idx, const PathState& st) {
  const u32 callsite = static_cast<u32>(st.frame().callsite);
  return buckets_[(insn_idx ^ callsite) % buckets_.size()];
}

const PathState* Explorer::previous_entry(const PathState& st, u32 insn_idx) {
  for (Checkpoint* c = bucket(insn_idx, cur_); c; c = c->next)
    if (c->st.insn_idx == insn_idx && c->st.branches && c->st.dfs_depth < st.dfs_depth &&
        same_callsites(c->st, st))
      return &c->st;
  return nullptr;
}

// States whose exploration is over keep only what was read: the rest cannot matter to a comparison.
void Explorer::clean_finished(u32 insn_idx) {
  for (Checkpoint* c = bucket(insn_idx, cur_); c; c = c->next) {
    if (c->st.branches || c->st.cleaned || c->st.insn_idx != insn_idx) continue;
    PathState* loop = loop_entry_of(&c->st);
    if (loop) continue;
    if (!same_callsites(c->st, cur_)) continue;
    clean_state(env_, c->st);
  }
}

// c is on the current path (not finished). Equivalence with it means a loop: fine where convergence is by
// contract (iterators, may_goto, callbacks), endless otherwise. Returns true if the current path may end
// here.
bool Explorer::loops_back(Checkpoint& c, u32 insn_idx, bool* add_new, bool force_new) {
  const InsnAux& aux = env_.aux[insn_idx];
  const Frame& frame = c.st.frame();
  bool check_endless = true;
  if (frame.in_async_callback && frame.async_entry != cur_.frame().async_entry) {
    check_endless = false;  // another run of the callback, not another round of a loop
  } else if (aux.is_iter_next) {
    // Marks are not final inside the loop, so everything counts, but narrower ranges will do.
    if (states_equal(env_, c.st, cur_, Exactness::kRangeWithin, ids_)) {
      const RegState& arg = cur_.frame().regs[1];
      const s64 off = arg.off + static_cast<s64>(arg.s.var_off.value);
      const int slot = static_cast<int>((-off - 1) / kRegSize);
      if (cur_.frames[arg.frameno]->stack[slot].spilled.iter.state == IterState::kActive) {
        update_loop_entry(&cur_, &c.st);
        return true;
      }
    }
    check_endless = false;
  } else {
    if (aux.is_may_goto && c.st.may_goto_depth != cur_.may_goto_depth &&
        states_equal(env_, c.st, cur_, Exactness::kRangeWithin, ids_)) {
      update_loop_entry(&cur_, &c.st);
      return true;
    }
    if (aux.calls_callback) {
      if (states_equal(env_, c.st, cur_, Exactness::kRangeWithin, ids_)) {
        update_loop_entry(&cur_, &c.st);
        return true;
      }
      check_endless = false;
    }
  }
  if (check_endless && states_maybe_looping(c.st, cur_) &&
      states_equal(env_, c.st, cur_, Exactness::kExact, ids_) && !iter_depths_differ(c.st, cur_) &&
      c.st.may_goto_depth == cur_.may_goto_depth &&
      c.st.callback_unroll_depth == cur_.callback_unroll_depth) {
    print_source_line(env_, insn_idx, "; ");
    env_.note_reason(fmt::format("infinite loop detected at insn {}", insn_idx));
    env_.log("{}\ncur state:", env_.reason);
    print_frame_state(env_, cur_, cur_.curframe, true);
    env_.log("old state:");
    print_frame_state(env_, c.st, cur_.curframe, true);
    env_.reject_silently(EINVAL);
  }
  // Inside a loop, rounds differ and their states seldom help: save fewer.
  if (!force_new && env_.jmps_processed - env_.prev_jmps_processed < 20 &&
      env_.insns_processed - env_.prev_insns_processed < 100)
    *add_new = false;
  return false;
}

Explorer::Visit Explorer::visit(u32 insn_idx) {
  const InsnAux& aux = env_.aux[insn_idx];
  const bool force_new =
      env_.opt.test_state_freq || aux.force_checkpoint || cur_.history_end - cur_.history_start > 40;
  bool add_new = force_new || (env_.jmps_processed - env_.prev_jmps_processed >= 2 &&
                               env_.insns_processed - env_.prev_insns_processed >= 8);
  clean_finished(insn_idx);
  u32 states = 0;
  Checkpoint** link = &bucket(insn_idx, cur_);
  while (Checkpoint* c = *link) {
    states++;
    if (c->st.insn_idx != insn_idx) {
      link = &c->next;
      continue;
    }
    bool hit;
    Exactness how = Exactness::kRangeWithin;
    if (c->st.branches) {
      hit = loops_back(*c, insn_idx, &add_new, force_new);
    } else {
      // Inside a loop, a path may have ended at the loop's entry before all that is read behind the entry was
      // known, so the marks of what lies between stay incomplete (Linux 6.12 trusts them once the loop is
      // done): compare everything.
      PathState* loop = loop_entry_of(&c->st);
      if (!loop) how = Exactness::kNotExact;
      hit = states_equal(env_, c->st, cur_, how, ids_);
      if (hit && loop) update_loop_entry(&cur_, loop);
    }
    if (hit) {
      c->hits++;
      if (env_.opt.observer) env_.opt.observer->covered(insn_idx, cur_, c->st, how);
      propagate_liveness(env_, c->st, cur_);
      if (aux.jmp_point) push_history(env_);
      propagate_precision(env_, c->st);
      return Visit::kPruned;
    }
    if (add_new) c->misses++;
    const u32 patience = aux.force_checkpoint && c->st.branches > 0 ? 64 : 3;
    if (c->misses > c->hits * patience + patience) {
      *link = c->next;
      if (c->st.cleaned && !c->st.used_as_loop_entry) {
        // No child will walk up to it any more: its values may go (its place in the tree stays).
        env_.stats.peak_states--;
        for (auto& f : c->st.frames) f.reset();
      }
      continue;
    }
    link = &c->next;
  }
  env_.stats.max_states_per_insn = std::max(env_.stats.max_states_per_insn, states);
  if (!env_.bpf_capable && states > kMaxStatesUnprivileged) return Visit::kGoOn;
  if (add_new) save_checkpoint(insn_idx);
  return Visit::kGoOn;
}

void Explorer::save_checkpoint(u32 insn_idx) {
  env_.stats.total_states++;
  env_.stats.peak_states++;
  env_.prev_jmps_processed = env_.jmps_processed;
  env_.prev_insns_processed = env_.insns_processed;
  if (env_.bpf_capable) forget_precision(cur_);
  all_.push_back(std::make_unique<Checkpoint>());
  Checkpoint& c = *all_.back();
  c.st.assign(cur_);
  c.st.insn_idx = insn_idx;
  OSMIA_BUG_IF(c.st.branches != 1);
  Checkpoint*& head = bucket(insn_idx, cur_);
  c.next = head;
  head = &c;
  if (env_.opt.observer) env_.opt.observer->saved(c.st);
  cur_.parent = &c.st;
  cur_.first_insn_idx = insn_idx;
  cur_.history_start = cur_.history_end;
  cur_.dfs_depth = c.st.dfs_depth + 1;
  // From here on every position continues the checkpoint's. Callers keep r6 to r9 only (and the arguments of
  // a helper that calls back); their other registers keep the links that they had (r0 may still be a
  // callee's).
  for (u32 f = 0; f <= cur_.curframe; f++) {
    FrameMarks& m = cur_.marks[f];
    const auto old_links = m.link;
    m = FrameMarks::after_checkpoint(f);
    for (u32 r = 0; r < first_live_reg(cur_, f); r++) m.link[r] = old_links[r];
  }
}

void Explorer::check_memory() {
  const u64 bytes = cow_live_bytes() + all_.size() * sizeof(Checkpoint) + pending_.size() * sizeof(Pending) +
                    env_.history.capacity() * sizeof(HistoryEntry);
  env_.stats.peak_state_bytes = std::max(env_.stats.peak_state_bytes, bytes);
  if (bytes > env_.opt.state_memory_limit)
    env_.reject(ENOMEM, "explored states need more than {} MiB of memory", env_.opt.state_memory_limit >> 20);
}

}  // namespace osmia::verifier
