// Precision back-tracking. When an exact scalar value decides safety, walk the path's history backwards and
// mark, in every parent state, the registers and slots that the value came from. Soundness: a scalar that is
// not marked was never needed precisely, so another value in its place cannot change the verdict; where the
// walk loses track, everything is marked.
#include "verifier/log/log.h"
#include "verifier/path/explorer.h"
#include "verifier/state/linked_regs.h"
#include "verifier/state/ops.h"

namespace osmia::verifier {
namespace {

constexpr u32 kArgMask = 0x3e;  // r1..r5

// What is still wanted, by frame.
struct Wanted {
  u32 frame = 0;
  u32 regs[kMaxFrames] = {};
  u64 slots[kMaxFrames] = {};

  bool empty() const {
    for (u32 f = 0; f <= frame; f++)
      if (regs[f] || slots[f]) return false;
    return true;
  }
  bool has(u32 r) const { return regs[frame] >> r & 1; }
  void want(u32 r) { regs[frame] |= 1u << r; }
  void drop(u32 r) { regs[frame] &= ~(1u << r); }
  void enter() {
    OSMIA_BUG_IF(frame == kMaxFrames - 1);
    frame++;
  }
  void leave() {
    OSMIA_BUG_IF(frame == 0);
    frame--;
  }
  // Registers that were equal by id at this point: wanting one is wanting all.
  void sync_linked(const HistoryEntry* h) {
    if (!h || !h->linked_regs) return;
    const LinkedRegs linked = LinkedRegs::unpack(h->linked_regs);
    bool any = false;
    for (int i = 0; i < linked.count; i++) {
      const LinkedReg& e = linked.entries[i];
      any |= e.is_reg ? regs[e.frame] >> e.index & 1 : slots[e.frame] >> e.index & 1;
    }
    if (!any) return;
    for (int i = 0; i < linked.count; i++) {
      const LinkedReg& e = linked.entries[i];
      if (e.is_reg)
        regs[e.frame] |= 1u << e.index;
      else
        slots[e.frame] |= 1ull << e.index;
    }
  }
};

std::string reg_list(u32 mask) {
  std::string s;
  for (int i = 0; i < 32; i++)
    if (mask >> i & 1) s += fmt::format("{}r{}", s.empty() ? "" : ",", i);
  return s;
}
std::string slot_list(u64 mask) {
  std::string s;
  for (int i = 0; i < 64; i++)
    if (mask >> i & 1) s += fmt::format("{}{}", s.empty() ? "" : ",", -(i + 1) * 8);
  return s;
}

enum class Step { kOk, kLost };

class Backtrack {
 public:
  Backtrack(Env& env, Wanted& w) : env_(env), w_(w) {}

  void run() {
    PathState* st = env_.cur;
    u32 first = st->first_insn_idx;
    s64 last = env_.insn_idx;
    s64 subseq = -1;
    bool skip_first = true;
    if (w_.empty()) return;
    for (;;) {
      u32 end = st->history_end;
      const u32 start = st->history_start;
      if (log2())
        env_.log("mark_precise: frame{}: last_idx {} first_idx {} subseq_idx {} \n", w_.frame, last, first,
                 subseq);
      if (last < 0) {
        at_function_entry(*st);
        return;
      }
      for (s64 i = last;;) {
        if (skip_first) {
          skip_first = false;
        } else {
          const HistoryEntry* h =
              end > start && env_.history[end - 1].idx == i ? &env_.history[end - 1] : nullptr;
          if (back_over(static_cast<u32>(i), subseq, h) == Step::kLost) {
            mark_everything();
            return;
          }
        }
        if (w_.empty()) return;
        subseq = i;
        // The instruction before i on this path; none left in this state when its first one is reached.
        const u32 count = end - start;
        if (static_cast<u32>(i) == st->first_insn_idx &&
            (count == 0 || (count == 1 && env_.history[start].idx == i)))
          break;
        if (count && env_.history[end - 1].idx == i) {
          i = static_cast<s32>(env_.history[end - 1].prev_idx);
          end--;
        } else {
          i--;
        }
        OSMIA_BUG_IF(i < 0 || i >= static_cast<s64>(env_.insns.size()));
      }
      st = st->parent;
      if (!st) break;
      mark_in(*st);
      if (w_.empty()) return;
      subseq = first;
      last = static_cast<s32>(st->last_insn_idx);
      first = st->first_insn_idx;
    }
    if (!w_.empty()) mark_everything();
  }

 private:
  bool log2() const { return env_.log_insns(); }

  // Global functions: their arguments are where the walk ends.
  void at_function_entry(PathState& st) {
    const Frame& f = *st.frames[0];
    OSMIA_BUG_IF(st.curframe != 0 || f.subprog == 0 || f.callsite != -1 || w_.slots[w_.frame] ||
                 (w_.regs[w_.frame] & ~kArgMask));
    for (u32 r = 1; r <= 5; r++)
      if (w_.has(r) && f.regs[r].is_scalar() && !f.regs[r].precise) st.frames[0].mut().regs[r].precise = true;
  }

  void mark_in(PathState& st) {
    for (s32 f = static_cast<s32>(w_.frame); f >= 0; f--) {
      for (u32 r = 0; r < 11; r++) {
        if (!(w_.regs[f] >> r & 1)) continue;
        const RegState& reg = st.frames[f]->regs[r];
        if (!reg.is_scalar() || reg.precise)
          w_.regs[f] &= ~(1u << r);
        else
          st.frames[f].mut().regs[r].precise = true;
      }
      for (int i = 0; i < kMaxSlots; i++) {
        if (!(w_.slots[f] >> i & 1)) continue;
        OSMIA_BUG_IF(i >= st.frames[f]->stack.slots());
        const StackSlot& slot = st.frames[f]->stack[i];
        if (!slot.is_scalar_spill() || slot.spilled.precise)
          w_.slots[f] &= ~(1ull << i);
        else
          st.frames[f].mut().stack.mut(i).spilled.precise = true;
      }
      if (log2()) {
        env_.log("mark_precise: frame{}: parent state regs={} stack={}: ", f, reg_list(w_.regs[f]),
                 slot_list(w_.slots[f]));
        print_frame_state(env_, st, f, true);
      }
    }
  }

  void mark_everything() {
    if (log2())
      env_.log("mark_precise: frame{}: falling back to forcing all scalars precise\n", env_.cur->curframe);
    for (PathState* st = env_.cur->parent; st; st = st->parent) {
      for (u32 f = 0; f <= st->curframe; f++) {
        for (u32 r = 0; r < isa::kFp; r++) {
          const RegState& reg = st->frames[f]->regs[r];
          if (!reg.is_scalar() || reg.precise) continue;
          st->frames[f].mut().regs[r].precise = true;
          if (log2()) env_.log("force_precise: frame{}: forcing r{} to be precise\n", f, r);
        }
        for (int i = 0; i < st->frames[f]->stack.slots(); i++) {
          const StackSlot& slot = st->frames[f]->stack[i];
          if (!slot.is_scalar_spill() || slot.spilled.precise) continue;
          st->frames[f].mut().stack.mut(i).spilled.precise = true;
          if (log2()) env_.log("force_precise: frame{}: forcing fp{} to be precise\n", f, -(i + 1) * 8);
        }
      }
    }
    w_ = Wanted{};
  }

  Step back_over(u32 idx, s64 subseq, const HistoryEntry* h) {
    using namespace isa;
    const Insn& in = env_.insns[idx];
    if (in.code == 0) return Step::kOk;
    if (log2()) {
      env_.log("mark_precise: frame{}: regs={} stack={} before ", w_.frame, reg_list(w_.regs[w_.frame]),
               slot_list(w_.slots[w_.frame]));
      print_insn(env_, idx);
    }
    w_.sync_linked(h);
    Step step = Step::kOk;
    bool done = false;  // the instruction does not touch what is wanted
    const bool fetches = in.cls() == kStx && in.mode() == kAtomic && (in.imm & kFetch);
    switch (in.cls()) {
      case kAlu:
      case kAlu64: done = back_over_alu(in); break;
      case kLdx: done = back_over_load(in.dst, h); break;
      case kSt:
      case kStx:
        if (fetches)
          done = back_over_load(in.imm == kCmpxchg ? u32{kR0} : in.src, h);
        else
          step = back_over_store(in, h, &done);
        break;
      case kJmp:
      case kJmp32: step = back_over_jump(in, idx, subseq, h, &done); break;
      case kLd:
        done = true;
        if (in.mode() == kImm) {
          w_.drop(in.dst);
        } else if (in.mode() == kAbs || in.mode() == kInd) {
          if (w_.has(in.dst)) return Step::kLost;
          // The other way on from here is the implicit exit of this frame.
          if (subseq != static_cast<s64>(idx) + 1) w_.enter();
        }
        break;
      default: break;
    }
    if (!done && step == Step::kOk) w_.sync_linked(h);
    return step;
  }

  bool back_over_alu(const Insn& in) {
    using namespace isa;
    if (!w_.has(in.dst)) return true;
    if (in.op() == kEnd || in.op() == kNeg) return true;
    if (in.op() == kMov) {
      w_.drop(in.dst);
      if (in.is_reg_src() && in.src != kFp) w_.want(in.src);
    } else if (in.is_reg_src() && in.src != kFp) {
      w_.want(in.src);
    }
    return false;
  }

  bool back_over_load(u32 reg, const HistoryEntry* h) {
    if (!w_.has(reg)) return true;
    w_.drop(reg);
    // Only the stack keeps a scalar's precise value; what other memory holds is unknown anyway.
    if (!h || !(h->flags & kHistStackAccess)) return true;
    w_.slots[h->flags & kHistFrameMask] |= 1ull << (h->flags >> kHistSlotShift & 63);
    return false;
  }

  Step back_over_store(const Insn& in, const HistoryEntry* h, bool* done) {
    *done = true;
    if (w_.has(in.dst)) return Step::kLost;  // an address is wanted as a number: a pointer subtraction
    if (!h || !(h->flags & kHistStackAccess)) return Step::kOk;
    u64& slots = w_.slots[h->flags & kHistFrameMask];
    const u64 bit = 1ull << (h->flags >> kHistSlotShift & 63);
    if (!(slots & bit)) return Step::kOk;
    slots &= ~bit;
    if (in.cls() == isa::kStx) w_.want(in.src);
    *done = false;
    return Step::kOk;
  }

  bool calls_sync_callback(u32 idx) const { return env_.aux[idx].calls_callback; }

  Step back_over_jump(const Insn& in, u32 idx, s64 subseq, const HistoryEntry* h, bool* done) {
    using namespace isa;
    if (is_pseudo_call(in)) {
      *done = true;
      const u32 target = idx + static_cast<u32>(in.imm) + 1;
      bool global = false;
      for (const auto& s : env_.subprogs)
        if (s.start == target) global = s.is_global;
      if (global) {
        OSMIA_BUG_IF(w_.regs[w_.frame] & kArgMask);
        w_.drop(kR0);
        return Step::kOk;
      }
      // Out of a static subprogram, backwards: only its arguments can still be wanted.
      OSMIA_BUG_IF((w_.regs[w_.frame] & ~kArgMask) || w_.slots[w_.frame]);
      OSMIA_BUG_IF(w_.frame == 0);
      w_.regs[w_.frame - 1] |= w_.regs[w_.frame] & kArgMask;
      w_.regs[w_.frame] = 0;
      w_.leave();
      return Step::kOk;
    }
    if (in.op() == kCall && in.cls() == kJmp && calls_sync_callback(idx) &&
        static_cast<s64>(idx) != subseq - 1) {
      *done = true;
      OSMIA_BUG_IF((w_.regs[w_.frame] & ~kArgMask) || w_.slots[w_.frame]);
      w_.regs[w_.frame] = 0;  // a callback's arguments are the helper's, not the caller's
      w_.leave();
      return Step::kOk;
    }
    if (in.op() == kCall) {
      if (is_kfunc_call(in) && in.imm == 0) return Step::kLost;
      w_.drop(kR0);
      OSMIA_BUG_IF(w_.regs[w_.frame] & kArgMask);
      return Step::kOk;
    }
    if (in.op() == kExit) {
      *done = true;
      const bool from_call = subseq >= 1 && is_pseudo_call(env_.insns[subseq - 1]);
      const bool r0 = from_call && w_.has(kR0);
      OSMIA_BUG_IF(from_call && (w_.regs[w_.frame] & kArgMask));
      w_.drop(kR0);
      w_.enter();
      if (r0) w_.want(kR0);
      return Step::kOk;
    }
    if (in.is_reg_src() && in.op() != kJa) {
      if (!w_.has(in.dst) && !w_.has(in.src)) {
        *done = true;
        return Step::kOk;
      }
      // The comparison relates both, so both are needed.
      if (!h || !(h->flags & kHistSrcIsStackPtr)) w_.want(in.src);
      if (!h || !(h->flags & kHistDstIsStackPtr)) w_.want(in.dst);
    }
    return Step::kOk;
  }

  Env& env_;
  Wanted& w_;
};

}  // namespace

void push_history(Env& env, u16 flags, u64 linked_regs) {
  if (env.merger) return;
  PathState& st = *env.cur;
  if (env.current_history >= 0) {
    HistoryEntry& h = env.history[env.current_history];
    h.flags |= flags;
    h.linked_regs = linked_regs;
    return;
  }
  if (env.history.size() <= st.history_end) env.history.resize(st.history_end + 1);
  env.history[st.history_end] = {env.insn_idx, static_cast<u32>(env.prev_insn_idx), flags, linked_regs};
  env.current_history = static_cast<s32>(st.history_end++);
}

void mark_precise(Env& env, u32 regno) {
  if (!env.bpf_capable) return;  // the unprivileged have every scalar precise from the start
  if (env.merger) return;        // and merged states compare every scalar
  OSMIA_BUG_IF(!env.reg(regno).is_scalar());
  Wanted w;
  w.frame = env.cur->curframe;
  w.want(regno);
  Backtrack(env, w).run();
}

void propagate_precision(Env& env, const PathState& seen) {
  Wanted w;
  w.frame = env.cur->curframe;
  for (s32 f = static_cast<s32>(seen.curframe); f >= 0; f--) {
    const Frame& fr = *seen.frames[f];
    const FrameMarks& m = seen.marks[f];
    std::string line;
    for (u32 r = 0; r < isa::kFp; r++) {
      if (!fr.regs[r].is_scalar() || !fr.regs[r].precise || !((m.read32 | m.read64) >> r & 1)) continue;
      w.regs[f] |= 1u << r;
      if (env.log_insns()) line += fmt::format("{}r{}", line.empty() ? "" : ",", r);
    }
    for (int i = 0; i < fr.stack.slots(); i++) {
      const StackSlot& slot = fr.stack[i];
      if (!slot.is_scalar_spill() || !slot.spilled.precise || !(m.stack_read >> i & 1)) continue;
      w.slots[f] |= 1ull << i;
      if (env.log_insns()) line += fmt::format("{}fp{}", line.empty() ? "" : ",", (-i - 1) * 8);
    }
    if (env.log_insns() && !line.empty()) env.log("frame {}: propagating {}\n", f, line);
  }
  if (env.bpf_capable && !w.empty()) Backtrack(env, w).run();
}

void forget_precision(PathState& st) {
  for (u32 f = 0; f <= st.curframe; f++) {
    const Frame& fr = *st.frames[f];
    for (u32 r = 0; r < isa::kFp; r++)
      if (fr.regs[r].is_scalar() && fr.regs[r].precise) st.frames[f].mut().regs[r].precise = false;
    for (int i = 0; i < st.frames[f]->stack.slots(); i++) {
      const StackSlot& slot = st.frames[f]->stack[i];
      if (slot.is_scalar_spill() && slot.spilled.precise)
        st.frames[f].mut().stack.mut(i).spilled.precise = false;
    }
  }
}

}  // namespace osmia::verifier
