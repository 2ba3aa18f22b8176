// What a call, a jump or an exit must fulfil before its own rules apply.
#include "verifier/path/exits.h"

#include "verifier/call/call.h"

namespace osmia::verifier {

bool check_call(Env& env) {
  using namespace isa;
  const Insn in = env.insn();
  if (in.is_reg_src() || (in.src != kPseudoKfuncCall && in.off != 0) || in.src > kPseudoKfuncCall ||
      in.dst != 0 || in.cls() == kJmp32)
    env.reject(EINVAL, "BPF_CALL uses reserved fields");
  if (env.cur->active_lock.ptr && !allowed_under_lock(env, in))
    env.reject(EINVAL, "function calls are not allowed while holding a lock");
  if (in.src == kPseudoCall) {
    check_subprog_call(env);
  } else if (in.src == kPseudoKfuncCall) {
    return check_kfunc_call(env);
  } else {
    check_helper_call(env);
  }
  return false;
}

void check_ja(Env& env) {
  using namespace isa;
  const Insn in = env.insn();
  if (in.is_reg_src() || in.src != 0 || in.dst != 0 || (in.cls() == kJmp && in.imm != 0) ||
      (in.cls() == kJmp32 && in.off != 0))
    env.reject(EINVAL, "BPF_JA uses reserved fields");
  env.insn_idx += static_cast<u32>(in.cls() == kJmp ? in.off : in.imm) + 1;
}

void check_exit_state(Env& env, bool exception) {
  using namespace isa;
  const Insn in = env.insn();
  if (!exception && (in.is_reg_src() || in.imm != 0 || in.src != 0 || in.dst != 0 || in.cls() == kJmp32))
    env.reject(EINVAL, "BPF_EXIT uses reserved fields");
  const PathState& st = *env.cur;
  if (exception || st.curframe == 0) {
    if (st.active_lock.ptr)
      env.reject_text(EINVAL, exception ? "bpf_throw cannot be used inside bpf_spin_lock-ed region"
                                        : "bpf_spin_unlock is missing");
    if (st.active_rcu_lock)
      env.reject_text(EINVAL, exception ? "bpf_throw cannot be used inside bpf_rcu_read_lock-ed region"
                                        : "bpf_rcu_read_unlock is missing");
    if (st.active_preempt_locks) {
      if (exception) env.reject(EINVAL, "bpf_throw cannot be used inside bpf_preempt_disable-ed region");
      env.reject(EINVAL, "{} bpf_preempt_enable{} missing", st.active_preempt_locks,
                 st.active_preempt_locks == 1 ? " is" : "(s) are");
    }
  }
  check_ref_leak(env, exception);
}

}  // namespace osmia::verifier
