// Frames: a callee's registers come from its caller, values and liveness links alike; back in the caller, r0
// comes from the callee. Invariant: a frame that was left is dropped from the state.
#include "verifier/call/common.h"

namespace osmia::verifier {

Frame& add_frame(Env& env, PathState& st, u32 subprog, s32 callsite) {
  if (st.curframe + 1 >= kMaxFrames)
    env.reject(E2BIG, "the call stack of {} frames is too deep", st.curframe + 2);
  const u32 f = st.curframe + 1;
  st.frames[f] = Cow<Frame>::make();
  st.marks[f] = FrameMarks::fresh();
  Frame& fr = st.frames[f].mut();
  fr.callsite = callsite;
  fr.frameno = f;
  fr.subprog = subprog;
  for (RegState& r : fr.regs) set_not_init(env, r);
  set_pointer(fr.regs[isa::kFp], RegType(RegBase::kStack));
  fr.regs[isa::kFp].frameno = f;
  mark_state_scratched(env);
  return fr;
}

void pass_reg(PathState& st, u32 from_frame, u32 from, u32 to_frame, u32 to) {
  copy_value(st.frames[to_frame].mut().regs[to], st.frames[from_frame]->regs[from]);
  const FrameMarks& src = st.marks[from_frame];
  FrameMarks& dst = st.marks[to_frame];
  const auto move_bit = [&](u16 FrameMarks::*m) {
    const u16 bit = static_cast<u16>(1u << to);
    dst.*m = static_cast<u16>((dst.*m & ~bit) | ((src.*m >> from & 1) ? bit : 0));
  };
  move_bit(&FrameMarks::read32);
  move_bit(&FrameMarks::read64);
  move_bit(&FrameMarks::written);
  dst.link[to] = src.link[from];
}

void leave_frame(Env& env, s32* next_insn_idx) {
  PathState& st = *env.cur;
  const u32 f = st.curframe;
  const bool callback = st.frames[f]->in_callback;
  const s32 callsite = st.frames[f]->callsite;
  if (is_exact(env.reg(0), RegBase::kStack)) env.reject(EINVAL, "cannot return stack pointer to the caller");
  if (callback) {
    if (!env.reg(0).is_scalar()) env.reject(EACCES, "R0 not a scalar value");
    mark_reg_read(env, st, f, 0, ReadWidth::k64);
    mark_precise(env, 0);
    const RetvalRange range = st.frames[f]->callback_ret;
    const RegState& r0 = env.reg(0);
    if (r0.s.smin < range.min || r0.s.smax > range.max)
      reject_scalar_range(env, r0, range.min, range.max, "At callback return", "R0");
    OSMIA_BUG_IF(!env.aux[callsite].calls_callback);
  } else {
    pass_reg(st, f, 0, f - 1, 0);
  }
  // A callback goes back to its call, where it is rescheduled until that converges.
  *next_insn_idx = callback ? callsite : callsite + 1;
  if (env.log_states()) {
    env.log("returning from callee:\n");
    print_frame_state(env, st, f, true);
    env.log("to caller at {}:\n", *next_insn_idx);
    print_frame_state(env, st, f - 1, true);
  }
  st.frames[f].reset();
  st.curframe--;
  if (!callback) return;
  if (const PathState* prev = previous_entry(env, st, static_cast<u32>(*next_insn_idx)))
    widen_imprecise(env, *prev, st);
}

}  // namespace osmia::verifier
