// The main loop: take the current path one instruction further, or end it and take up the next pending
// branch.
#include "verifier/path/explorer.h"

#include "verifier/call/call.h"
#include "verifier/log/log.h"
#include "verifier/native/merger.h"
#include "verifier/path/exits.h"
#include "verifier/path/observer.h"
#include "verifier/transfer/transfer.h"

namespace osmia::verifier {

inline constexpr u32 kMaxPending = 8192;  // branches waiting to be explored

Explorer::Explorer(Env& env) : env_(env) {
  buckets_.resize(std::max<size_t>(env.insns.size(), 1), nullptr);
  env.explorer = this;
}

Explorer::~Explorer() {
  env_.explorer = nullptr;
  env_.cur = nullptr;
}

// Frame 0 of a walk: nothing known but the frame pointer.
void Explorer::init_frame(PathState& st, u32 subprog) {
  st.frames[0] = Cow<Frame>::make();
  st.marks[0] = FrameMarks::fresh();
  Frame& f = st.frames[0].mut();
  f.subprog = subprog;
  for (u32 r = 0; r < 11; r++) set_not_init(env_, f.regs[r]);
  set_pointer(f.regs[isa::kFp], RegType(RegBase::kStack));
}

void Explorer::run(u32 subprog) {
  env_.prev_linfo = -1;
  cur_ = PathState{};
  cur_.branches = 1;
  cur_.in_sleepable = env_.prog_sleepable;
  env_.cur = &cur_;
  init_frame(cur_, subprog);
  cur_.first_insn_idx = env_.subprogs[subprog].start;
  cur_.last_insn_idx = static_cast<u32>(-1);
  env_.insn_idx = cur_.first_insn_idx;
  mark_state_scratched(env_);
  prepare_entry_state(env_, cur_, subprog);
  if (env_.opt.observer) env_.opt.observer->begin(env_, subprog);
  if (env_.merger) {
    const PathState entry = cur_;
    env_.merger->verify(*this, entry, env_.insn_idx);
  } else {
    walk();
  }
  if (!env_.log_insns() && env_.log_on()) env_.sink_->reset(0);
}

PathState& Explorer::add_pending(u32 insn_idx, s32 prev_insn_idx, bool speculative, const char* what) {
  std::unique_ptr<Pending> p;
  if (spare_.empty()) {
    p = std::make_unique<Pending>();
  } else {
    p = std::move(spare_.back());
    spare_.pop_back();
  }
  p->st.assign(cur_);
  p->st.speculative |= speculative;
  p->insn_idx = insn_idx;
  p->prev_insn_idx = prev_insn_idx;
  p->log_pos = env_.log_on() ? env_.sink_->end_pos() : 0;
  pending_.push_back(std::move(p));
  if (pending_.size() > kMaxPending)
    env_.reject(E2BIG, "The sequence of {} jumps is too complex{}.", pending_.size(), what);
  return pending_.back()->st;
}

PathState& Explorer::push(u32 insn_idx, s32 prev_insn_idx, bool speculative) {
  PathState& st = add_pending(insn_idx, prev_insn_idx, speculative, "");
  if (st.parent) st.parent->branches++;
  if (env_.opt.observer) env_.opt.observer->pushed(false);
  return st;
}

PathState& Explorer::push_async(u32 insn_idx, s32 prev_insn_idx, u32 subprog, bool sleepable) {
  if (env_.merger) throw native::Undecided{"asynchronous callbacks are not merged"};
  PathState& st = add_pending(insn_idx, prev_insn_idx, false, " for async cb");
  // The callback runs on a stack of its own some time later: one fresh frame, nothing held, no parent.
  const u32 history = st.history_end;
  for (u32 f = 0; f <= st.curframe; f++) st.frames[f].reset();
  st = PathState{};
  st.branches = 1;
  st.in_sleepable = sleepable;
  st.history_start = st.history_end = history;
  init_frame(st, subprog);
  if (env_.opt.observer) env_.opt.observer->pushed(true);
  return st;
}

bool Explorer::pop(s32* prev_insn_idx) {
  if (pending_.empty()) return false;
  std::unique_ptr<Pending> p = std::move(pending_.back());
  pending_.pop_back();
  cur_.assign(p->st);
  if (!env_.log_insns() && env_.log_on()) env_.sink_->reset(p->log_pos);
  env_.insn_idx = p->insn_idx;
  *prev_insn_idx = p->prev_insn_idx;
  if (spare_.size() < 64) spare_.push_back(std::move(p));
  OSMIA_BUG_IF(cur_.loop_entry != nullptr);
  if (env_.opt.observer) env_.opt.observer->popped();
  return true;
}

bool Explorer::end_path(s32* prev_insn_idx) {
  mark_state_scratched(env_);
  finish_branch(&cur_);
  return pop(prev_insn_idx);
}

// Instructions with effects only; jumps set env.insn_idx themselves.
void Explorer::step(const Insn& in) {
  using namespace isa;
  switch (in.cls()) {
    case kAlu:
    case kAlu64: check_alu(env_); break;
    case kLdx: check_load(env_); break;
    case kSt: check_store(env_); break;
    case kStx:
      if (in.mode() == kAtomic)
        check_atomic(env_);
      else
        check_store(env_);
      break;
    case kLd:
      if (in.mode() == kAbs || in.mode() == kInd) {
        check_ld_abs(env_);
      } else if (in.mode() == kImm) {
        check_ld_imm64(env_);
        env_.insn_idx++;
        if (!cur_.speculative) env_.aux[env_.insn_idx].seen = true;
      } else {
        env_.reject(EINVAL, "invalid BPF_LD mode");
      }
      break;
    default: env_.reject(EINVAL, "unknown insn class {}", in.cls());
  }
  env_.insn_idx++;
}

void Explorer::log_instruction(bool* print_state) {
  if (env_.log_insns() && *print_state) {
    env_.log("\nfrom {} to {}{}:", env_.prev_insn_idx, env_.insn_idx,
             cur_.speculative ? " (speculative execution)" : "");
    print_frame_state(env_, cur_, cur_.curframe, true);
    *print_state = false;
  }
  if (!env_.log_states()) return;
  bool scratched = false;
  for (u32 f = 0; f < kMaxFrames; f++) scratched |= env_.scratched_regs[f] || env_.scratched_slots[f];
  if (scratched) print_insn_state(env_, cur_);
  print_source_line(env_, env_.insn_idx, "; ");
  env_.prev_log_pos = env_.sink_->end_pos();
  print_insn(env_, env_.insn_idx);
  env_.prev_insn_print_pos = env_.sink_->end_pos() - env_.prev_log_pos;
  env_.prev_log_pos = env_.sink_->end_pos();
}

void Explorer::count_instruction() {
  if (++env_.insns_processed > env_.insn_limit)
    env_.reject(E2BIG, "BPF program is too large. Processed {} insn", env_.insns_processed);
  if (env_.insns_processed & 0x3ff) return;
  if (env_.opt.progress && !env_.opt.progress(env_.insns_processed))
    env_.reject(EAGAIN, "verification was cancelled");
  check_memory();
}

void Explorer::walk() {
  using namespace isa;
  bool print_state = false;
  s32 prev_insn_idx = -1;
  const u32 count = static_cast<u32>(env_.insns.size());
  for (;;) {
    env_.current_history = -1;
    env_.prev_insn_idx = prev_insn_idx;
    if (env_.insn_idx >= count) env_.reject(EFAULT, "invalid insn idx {} insn_cnt {}", env_.insn_idx, count);
    const Insn in = env_.insns[env_.insn_idx];
    InsnAux& aux = env_.aux[env_.insn_idx];
    count_instruction();
    cur_.last_insn_idx = static_cast<u32>(env_.prev_insn_idx);

    if (aux.prune_point && visit(env_.insn_idx) == Visit::kPruned) {
      if (env_.log_states()) {
        if (print_state)
          env_.log("\nfrom {} to {}{}: safe\n", env_.prev_insn_idx, env_.insn_idx,
                   cur_.speculative ? " (speculative execution)" : "");
        else
          env_.log("{}: safe\n", env_.insn_idx);
      }
      if (!end_path(&prev_insn_idx)) return;
      print_state = true;
      continue;
    }
    if (env_.opt.observer) env_.opt.observer->visit(env_.insn_idx, cur_);
    if (aux.jmp_point) push_history(env_);
    log_instruction(&print_state);
    // What only mis-speculation reaches counts as dead: no real path runs it.
    if (!cur_.speculative) aux.seen = true;
    prev_insn_idx = static_cast<s32>(env_.insn_idx);

    if (execute(in, &print_state)) continue;
    if (!end_path(&prev_insn_idx)) return;
    print_state = true;
  }
}

bool Explorer::execute(const Insn& in, bool* print_state) {
  using namespace isa;
  if (in.cls() != kJmp && in.cls() != kJmp32) {
    step(in);
    return true;
  }
  env_.jmps_processed++;
  if (in.op() == kCall) {
    const bool threw = check_call(env_);
    if (!threw) {
      env_.scratch_reg(0);
      env_.insn_idx++;
      return true;
    }
  } else if (in.op() == kJa) {
    check_ja(env_);
    return true;
  } else if (in.op() != kExit) {
    check_cond_jump(env_);
    env_.insn_idx++;
    return true;
  }
  // exit, or a bpf_throw() that ends the program
  const bool exception = in.op() != kExit;
  check_exit_state(env_, exception);
  if (exception) return false;
  if (cur_.curframe) {
    s32 next = 0;
    leave_frame(env_, &next);
    env_.insn_idx = static_cast<u32>(next);
    *print_state = true;
    return true;
  }
  check_return_value(env_, kR0, "R0");
  return false;
}

PathState& push_branch(Env& env, u32 insn_idx, s32 prev_insn_idx, bool speculative) {
  return env.explorer->push(insn_idx, prev_insn_idx, speculative);
}
PathState& push_async_callback(Env& env, u32 insn_idx, s32 prev_insn_idx, u32 subprog, bool sleepable) {
  return env.explorer->push_async(insn_idx, prev_insn_idx, subprog, sleepable);
}
const PathState* previous_entry(const Env& env, const PathState& st, u32 insn_idx) {
  return env.explorer->previous_entry(st, insn_idx);
}

}  // namespace osmia::verifier
