// LD_ABS and LD_IND: packet loads of classic BPF. Each is a call: r0 gets the data, r1-r5 are gone, r6 is the
// socket buffer. A load outside the packet ends the function with r0 = 0, so nothing may be held that would
// leak.
#include "verifier/call/call.h"
#include "verifier/transfer/parts.h"

namespace osmia::verifier {

using namespace isa;

void check_ld_abs(Env& env) {
  const Insn in = env.insn();
  const PathState& st = *env.cur;
  if (!(env.type->traits & contract::kLdAbsAllowed))
    env.reject(EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  for (u32 f = st.curframe; f; f--)
    if (st.frames[f]->in_callback) env.reject(EINVAL, "cannot use BPF_LD_[ABS|IND] within callback");
  check_fields_once(env);
  use_reg(env, kR6, RegUse::kRead);
  try {
    check_ref_leak(env, false);
  } catch (const Rejection& r) {
    env.reject(r.error, "BPF_LD_[ABS|IND] cannot be mixed with socket references");
  }
  if (st.active_lock.ptr)
    env.reject(EINVAL, "BPF_LD_[ABS|IND] cannot be used inside bpf_spin_lock-ed region");
  if (st.active_rcu_lock)
    env.reject(EINVAL, "BPF_LD_[ABS|IND] cannot be used inside bpf_rcu_read_lock-ed region");
  if (st.active_preempt_locks)
    env.reject(EINVAL, "BPF_LD_[ABS|IND] cannot be used inside bpf_preempt_disable-ed region");
  if (!is_exactly(env.reg(kR6).type, RegBase::kCtx))
    env.reject(EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  if (in.mode() == kInd) use_reg(env, in.src, RegUse::kRead);
  check_ptr_off_reg(env, env.reg(kR6), kR6, false);

  clear_caller_saved(env);
  mark_unknown(env, kR0);
  env.mut_reg(kR0).subreg_def = static_cast<s32>(env.insn_idx) + 1;
  if (st.curframe == 0) return;
  // The hidden exit returns 0 to the caller; the load itself is the pending path.
  env.scratch_reg(kR0);
  push_branch(env, env.insn_idx + 1, static_cast<s32>(env.insn_idx), false);
  set_known(env.mut_reg(kR0), 0);
  s32 next = 0;
  leave_frame(env, &next);
  env.insn_idx = static_cast<u32>(next) - 1;  // the explorer adds one
}

}  // namespace osmia::verifier
