// References that a path holds: acquired, released, and checked for leaks at every exit.
#include "verifier/state/ops.h"

namespace osmia::verifier {

u32 acquire_ref(Env& env, u32 insn_idx) {
  PathState& st = *env.cur;
  const Frame& fr = st.frame();
  const u32 id = env.new_id();
  st.refs.push_back({id, static_cast<s32>(insn_idx), fr.in_callback ? fr.frameno : 0});
  return id;
}

bool release_ref_id(Env& env, u32 ref_obj_id) {
  PathState& st = *env.cur;
  const Frame& fr = st.frame();
  for (auto& ref : st.refs) {
    if (ref.id != ref_obj_id) continue;
    // A callback may run any number of times, so it must not release what its caller holds.
    if (fr.in_callback && ref.callback_frame != fr.frameno) return false;
    ref = st.refs.back();
    st.refs.pop_back();
    return true;
  }
  return false;
}

void check_ref_leak(Env& env, bool exception_exit) {
  const PathState& st = *env.cur;
  const Frame& fr = st.frame();
  // A static subprogram hands what it holds to its caller; a callback must hold no more than when it began.
  if (!exception_exit && fr.frameno && !fr.in_callback) return;
  bool leak = false;
  std::string last;
  for (const auto& ref : st.refs) {
    if (!exception_exit && fr.in_callback && ref.callback_frame != fr.frameno) continue;
    last = fmt::format("Unreleased reference id={} alloc_insn={}", ref.id, ref.insn_idx);
    env.log("{}\n", last);
    leak = true;
  }
  if (leak) {
    env.note_reason(last);
    env.reject_silently(EINVAL);
  }
}

}  // namespace osmia::verifier
