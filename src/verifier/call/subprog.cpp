// Calls of the program's own functions. A static one is walked into; a global one is verified once for all by
// its BTF, so that here only its arguments are checked and any scalar is assumed to come back.
#include "verifier/call/common.h"
#include "verifier/prepare/prepare.h"
#include "verifier/transfer/transfer.h"

namespace osmia::verifier {

using namespace contract;

namespace {

// Log what was wrong with an argument and go on to the next question: may this error be ignored?
int complain(Env& env, int error, std::string line) {
  say(env, "{}", line);
  return error;
}

// Whatever is wrong with the memory, the call's own error is EINVAL.
void check_arg_mem(Env& env, u32 regno, const SubprogArg& arg) {
  try {
    check_readwrite_mem(env, regno, arg.mem_size);
  } catch (Rejection& r) {
    if (!r.unsupported) r.error = EINVAL;
    throw;
  }
}

int match_arg(Env& env, u32 i, const SubprogArg& arg) {
  const u32 regno = i + 1;
  const RegState& r = env.reg(regno);
  switch (arg.kind) {
    case ArgKind::kAnything:
      return r.is_scalar() ? 0 : complain(env, EINVAL, fmt::format("R{} is not a scalar", regno));
    case ArgKind::kCtx:
      check_arg_offset(env, regno, false, false);
      return is_exact(env.reg(regno), RegBase::kCtx)
                 ? 0
                 : complain(env, EINVAL, fmt::format("arg#{} expects pointer to ctx", i));
    case ArgKind::kMem:
      check_arg_offset(env, regno, false, false);
      check_arg_mem(env, regno, arg);
      if (!(arg.flags & kMaybeNull) && env.reg(regno).type.maybe_null())
        return complain(env, EINVAL, fmt::format("arg#{} is expected to be non-NULL", i));
      return 0;
    case ArgKind::kArena:
      return is_exact(r, RegBase::kArena) || r.is_scalar()
                 ? 0
                 : complain(env, EINVAL, fmt::format("R{} is not a pointer to arena or scalar.", regno));
    case ArgKind::kDynptr:
      check_arg_offset(env, regno, false, true);
      check_dynptr_arg(env, regno, arg.flags, 0);
      return 0;
    case ArgKind::kBtfId: {
      if (r.is_null() && (arg.flags & kMaybeNull)) return 0;
      ArgSpec spec{ArgKind::kBtfId, arg.flags & kMaybeNull};
      check_arg_type(env, regno, spec, arg.btf_id, CallMeta{});
      check_arg_offset(env, regno, false, false);
      return 0;
    }
    default: OSMIA_BUG("global argument of unknown kind");
  }
}

int match_args(Env& env, u32 subprog) {
  const int err = prepare_args(env, subprog);
  if (err) return err;
  const Subprog& sub = env.subprogs[subprog];
  for (u32 i = 0; i < sub.arg_count; i++)
    if (const int e = match_arg(env, i, sub.args[i])) return e;
  return 0;
}

void assume_global(Env& env, u32 subprog, int args_error) {
  const Subprog& sub = env.subprogs[subprog];
  if (env.cur->active_lock.ptr) {
    say(env, "global function calls are not allowed while holding a lock,");
    env.reject(EINVAL, "use static function instead");
  }
  if (env.cur->active_preempt_locks) {
    say(env, "global function calls are not allowed with preemption disabled,");
    env.reject(EINVAL, "use static function instead");
  }
  if (args_error) env.reject(args_error, "Caller passes invalid args into func#{} ('{}')", subprog, sub.name);
  env.log("Func#{} ('{}') is global and assumed valid.\n", subprog, sub.name);
  if (sub.changes_packet_data) forget_packet_pointers(env);
  env.subprogs[subprog].called = true;
  clear_caller_saved(env);
  mark_unknown(env, 0);
  env.mut_reg(0).subreg_def = 0;
}

}  // namespace

void check_readwrite_mem(Env& env, u32 regno, u32 size) {
  if (env.reg(regno).is_null()) return;
  const bool maybe_null = env.reg(regno).type.maybe_null();
  const RegState saved = env.reg(regno);
  if (maybe_null) mark_not_null(env.mut_reg(regno));
  check_helper_mem(env, regno, static_cast<s32>(size), Access::kRead, true, nullptr);
  check_helper_mem(env, regno, static_cast<s32>(size), Access::kWrite, true, nullptr);
  if (maybe_null) env.mut_reg(regno) = saved;
}

int check_args_by_btf(Env& env, u32 subprog) {
  Subprog& sub = env.subprogs[subprog];
  if (env.prog.func_info.empty()) return EINVAL;
  if (sub.unreliable) return EINVAL;
  int err = 0;
  try {
    err = match_args(env, subprog);
  } catch (const Rejection& r) {
    // Compilers drop and change arguments of static functions, so for those this is no verdict, only a note.
    if (r.unsupported) throw;
    err = r.error;
  }
  if (err) sub.unreliable = true;
  return err;
}

void check_subprog_call(Env& env) {
  PathState& st = *env.cur;
  const u32 target = env.insn_idx + static_cast<u32>(env.insn().imm) + 1;
  const s32 subprog = subprog_at(env, target);
  if (subprog < 0) env.reject(EFAULT, "verifier bug. No program starts at insn {}", target);
  const int args_error = check_args_by_btf(env, static_cast<u32>(subprog));
  if (args_error == EFAULT) env.reject_silently(EFAULT);
  if (env.subprogs[subprog].is_global) {
    assume_global(env, static_cast<u32>(subprog), args_error);
    return;
  }
  add_frame(env, st, static_cast<u32>(subprog), static_cast<s32>(env.insn_idx));
  const u32 f = st.curframe;
  for (u32 r = 1; r <= 5; r++) pass_reg(st, f, r, f + 1, r);
  clear_caller_saved(env);  // the caller's
  st.curframe = f + 1;
  env.insn_idx = env.subprogs[subprog].start - 1;
  if (env.log_states()) {
    env.log("caller:\n");
    print_frame_state(env, st, f, true);
    env.log("callee:\n");
    print_frame_state(env, st, f + 1, true);
  }
}

}  // namespace osmia::verifier
