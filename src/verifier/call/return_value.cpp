// What a program may leave in r0 when it ends. The range is the program type's; hooks of the security modules
// take theirs from the hook's own prototype. Subprograms verified on their own may return any number.
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

// Hooks of security modules whose result is a truth value (bpf_lsm.c: bool_lsm_hooks).
constexpr std::string_view kBoolHooks[] = {"bpf_lsm_xfrm_state_pol_flow_match", "bpf_lsm_audit_rule_known",
                                           "bpf_lsm_inode_xattr_skipcap"};
constexpr u32 kAttachLsmMac = 27, kAttachLsmCgroup = 43;  // UAPI attach types

bool is_lsm(const Env& env) {
  return env.type->name == "lsm";
}

// The function that the program attaches to returns nothing.
bool attached_to_void(const Env& env) {
  return env.attach_btf && env.attach_proto && env.attach_btf->type(env.attach_proto).type() == 0;
}

// A program whose hook wants no value may leave anything (or nothing) in r0.
bool needs_no_value(const Env& env) {
  if (!attached_to_void(env)) return false;
  if (env.type->ctx_model == CtxModel::kStructOps) return true;
  return is_lsm(env) && env.prog.expected_attach_type != kAttachLsmCgroup;
}

// False: any value is fine.
bool range_of_type(const Env& env, ReturnRange* range) {
  const u32 attach = env.prog.expected_attach_type;
  if (is_lsm(env)) {
    if (attach == kAttachLsmCgroup) {
      *range = {attach, 0, 1, true, true};
      if (attached_to_void(env)) range->min = 1;
      return true;
    }
    if (attach != kAttachLsmMac || !env.attach_proto) return false;
    *range = {attach, -kMaxErrno, 0, true, false};
    for (std::string_view hook : kBoolHooks)
      if (env.attach_name == hook) *range = {attach, 0, 1, true, false};
    return true;
  }
  for (const ReturnRange& r : env.type->returns) {
    if (r.attach_type != kAnyAttach && r.attach_type != attach) continue;
    *range = r;
    // 6.12 compares 64 bits everywhere but for the hooks above.
    range->is64 = true;
    return r.checked;
  }
  return false;
}

bool within(const ReturnRange& range, const Scalar& s) {
  if (range.is64) return range.min <= s.smin && s.smax <= range.max;
  return range.min <= s.s32_min && s.s32_max <= range.max;
}

}  // namespace

void check_return_value(Env& env, u32 regno, std::string_view reg_name) {
  const Frame& main = *env.cur->frames[0];
  const bool is_subprog = main.subprog != 0;
  const bool own_program = !is_subprog || main.in_exception_callback;
  const bool async = main.in_async_callback;
  if (own_program && needs_no_value(env)) return;
  use_reg(env, regno, RegUse::kRead);
  if (leaks_pointer(env, env.reg(regno))) env.reject(EACCES, "R{} leaks addr as return value", regno);
  ReturnRange range;
  range.is64 = true;
  if (!async) {
    if (!own_program) {
      if (!env.reg(regno).is_scalar())
        env.reject(EINVAL, "At subprogram exit the register R{} is not a scalar value ({})", regno,
                   reg_type_str(env, env.reg(regno).type));
      return;
    }
    if (!range_of_type(env, &range)) return;
  }
  const char* where = async ? "At async callback return" : "At program exit";
  if (!env.reg(regno).is_scalar())
    env.reject(EINVAL, "{} the register R{} is not a known value ({})", where, regno,
               reg_type_str(env, env.reg(regno).type));
  mark_precise(env, regno);
  if (within(range, env.reg(regno).s)) return;
  if (!is_subprog && is_lsm(env) && env.prog.expected_attach_type == kAttachLsmCgroup &&
      attached_to_void(env)) {
    try {
      reject_scalar_range(env, env.reg(regno), range.min, range.max, where, reg_name);
    } catch (const Rejection&) {
      env.log("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n");
      throw;
    }
  }
  reject_scalar_range(env, env.reg(regno), range.min, range.max, where, reg_name);
}

}  // namespace osmia::verifier
