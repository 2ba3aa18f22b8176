// The door for helper calls: may this program call it here, do the arguments fit, what does the call change,
// and what comes back. Invariant: every effect that a definition names is handled here or in a file of its
// own; one that is not is refused.
#include "contract/attach_rules.h"
#include "verifier/access/region.h"
#include "verifier/call/common.h"
#include "verifier/domain/print.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {

using namespace contract;

namespace {

constexpr u32 kAttachFentry = 24, kAttachModifyReturn = 26;  // UAPI attach types, with fexit between them

const HelperDef& find_helper(Env& env) {
  const s32 id = env.insn().imm;
  InsnAux& aux = env.aux[env.insn_idx];
  if (aux.helper) return *aux.helper;
  if (id < 0 || static_cast<u32>(id) >= env.cat.helper_count())
    env.reject(EINVAL, "invalid func unknown#{}", id);
  const Caller by = env.caller();
  const HelperDef* fn = env.cat.helper_for(*env.type, by, static_cast<u32>(id));
  if (!fn)
    env.reject(EINVAL, "program of this type cannot use helper {}#{}", helper_name(env, static_cast<u32>(id)),
               id);
  if (fn->gpl_only && !env.prog.gpl_compatible)
    env.reject(EINVAL, "cannot call GPL-restricted function from non-GPL compatible program");
  if (!fn->allowed_targets.empty() && !target_allowed(fn->allowed_targets, env.type->name, by))
    env.reject(EINVAL, "helper call is not allowed in probe");
  aux.helper = fn;
  return *fn;
}

// Regions in which some helpers must not be called.
void check_region(Env& env, const HelperDef& fn) {
  const PathState& st = *env.cur;
  const bool sleeps = fn.effects & kMightSleep;
  if (sleeps && !in_sleepable(env)) env.reject(EINVAL, "helper call might sleep in a non-sleepable prog");
  if (sleeps && st.active_rcu_lock)
    env.reject(EINVAL, "sleepable helper {}#{} in rcu_read_lock region", fn.name, fn.id);
  if (sleeps && st.active_preempt_locks)
    env.reject(EINVAL, "sleepable helper {}#{} in non-preemptible region", fn.name, fn.id);
  if ((st.active_rcu_lock || st.active_preempt_locks) && in_sleepable(env) &&
      fn.name.ends_with("_storage_get"))
    env.aux[env.insn_idx].storage_get_atomic = true;
}

void release_argument(Env& env, const HelperDef& fn, const CallMeta& meta) {
  const u32 regno = meta.release_regno;
  if (!regno) return;
  if (fn.args[regno - 1].kind == ArgKind::kDynptr) {
    release_stack_dynptr(env, regno, fn.name, fn.id);
    return;
  }
  const bool ok = !meta.ref_obj_id ? env.reg(regno).is_null()
                  : meta.kptr      ? stash_reference(env, meta.ref_obj_id)
                                   : drop_reference(env, meta.ref_obj_id);
  if (!ok) env.reject(EINVAL, "func {}#{} reference has not been acquired before", fn.name, fn.id);
}

void check_tail_call(Env& env) {
  const PathState& st = *env.cur;
  if (st.active_lock.ptr) env.reject(EINVAL, "tail_call cannot be used inside bpf_spin_lock-ed region");
  try {
    check_ref_leak(env, false);
  } catch (const Rejection& r) {
    env.reject(r.error, "tail_call would lead to reference leak");
  }
  if (st.active_rcu_lock) env.reject(EINVAL, "tail_call cannot be used inside bpf_rcu_read_lock-ed region");
  if (st.active_preempt_locks)
    env.reject(EINVAL, "tail_call cannot be used inside bpf_preempt_disable-ed region");
}

u32 dynptr_argument(const HelperDef& fn) {
  for (u32 i = 0; i < 5; i++)
    if (fn.args[i].kind == ArgKind::kDynptr) return i + 1;
  OSMIA_BUG("helper without a dynptr argument");
}

void call_back(Env& env, const HelperDef& fn, const CallMeta& meta) {
  if (fn.callback == CallbackShape::kLoop) {
    check_loop_callback(env, meta.callback);
  } else {
    push_callback(env, meta.callback, fn.callback, meta.map);
  }
}

// Of a per-CPU object of the program's, or of a kernel variable: the two are found in different ways.
void note_percpu_object(Env& env) {
  const RegState& r = env.reg(1);
  const bool object = r.type.has(kRcu);
  if (object && !r.btf->type(r.btf_id).is_struct_or_union())
    env.reject(EFAULT, "Helper has invalid btf/btf_id in R1");
  if (object && is_kernel_btf(env, r.btf)) env.unsupported("per-CPU objects of the kernel's");
  InsnAux& aux = env.aux[env.insn_idx];
  if (aux.object_set && aux.percpu_object != object)
    env.unsupported("one call for per-CPU objects and per-CPU variables");
  aux.object_set = true;
  aux.percpu_object = object;
}

// What the helper does before its registers are gone. True: packet pointers die.
bool apply_effects(Env& env, const HelperDef& fn, CallMeta& meta) {
  const u64 fx = fn.effects;
  bool moves_packet = fx & kChangesPacketData;
  if (fx & kTailCall) check_tail_call(env);
  if (fx & kGetLocalStorage) {
    if (!env.reg(2).is_null()) env.reject(EINVAL, "get_local_storage() doesn't support non-zero flags");
    mark_precise(env, 2);
  }
  if (fn.callback != CallbackShape::kNone) call_back(env, fn, meta);
  if (fx & kSnprintfFormat) check_snprintf(env);
  if ((fx & kDynptrFromMem) && !is_exact(env.reg(1), RegBase::kMapValue))
    env.reject(EACCES, "Unsupported reg type {} for bpf_dynptr_from_mem data",
               reg_type_str(env, env.reg(1).type));
  if ((fx & kSetRetval) && env.type->name == "lsm" && env.prog.expected_attach_type == 43 && env.attach_btf &&
      env.attach_btf->type(env.attach_proto).type() == 0)
    env.reject(EINVAL, "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
  if (fx & kDynptrData) {
    const DynptrFacts d = dynptr_facts(env, dynptr_argument(fn));
    meta.dynptr_id = d.id;
    meta.ref_obj_id = d.ref_obj_id;
  }
  if ((fx & kDynptrWrite)) {
    const DynptrKind kind = dynptr_facts(env, dynptr_argument(fn)).kind;
    if (kind == DynptrKind::kInvalid) env.reject_silently(EFAULT);
    // Writing through an skb dynptr may move the packet.
    moves_packet |= kind == DynptrKind::kSkb;
  }
  if (fx & kPerCpuPtr) note_percpu_object(env);
  if (fx & kNeedsDst) env.dst_needed = true;
  return moves_packet;
}

RegState& fresh_pointer(Env& env, RegBase base, u32 flags) {
  RegState& r0 = env.mut_reg(0);
  set_pointer(r0, RegType(base, flags));
  return r0;
}

void set_mem_or_object(Env& env, const RetSpec& ret, const CallMeta& meta) {
  if (!meta.ret_btf) env.reject(EINVAL, "kernel subsystem misconfigured verifier");
  const btf::TypeView t = meta.ret_btf->skip_modifiers(meta.ret_btf_id);
  if (t.is_struct_or_union()) {
    const u32 flags = env.aux[env.insn_idx].percpu_object ? kAlloc | kRcu : ret.flags & ~kRdOnly;
    RegState& r0 = fresh_pointer(env, RegBase::kBtfId, flags);
    r0.btf = meta.ret_btf;
    r0.btf_id = meta.ret_btf_id;
    return;
  }
  const auto size = meta.ret_btf->size_of(t.id());
  if (!size.ok())
    env.reject(EINVAL, "unable to resolve the size of type '{}': {}", t.name(), -size.error().code);
  fresh_pointer(env, RegBase::kMem, ret.flags).mem_size = *size;
}

void set_kernel_object(Env& env, const HelperDef& fn, const CallMeta& meta) {
  if (meta.kptr) {  // what the field held
    u32 flags = fn.ret.flags;
    if (!meta.kptr->kernel)
      flags |= meta.kptr->kind == btf::kFieldKptrPercpu ? kAlloc | kPercpu : u32{kAlloc};
    RegState& r0 = fresh_pointer(env, RegBase::kBtfId, flags);
    r0.btf = &kptr_btf(*meta.kptr_owner, *meta.kptr);
    r0.btf_id = meta.kptr->btf_id;
    return;
  }
  const u32 id = kernel_struct(env, fn.ret.btf_type);
  if (!id) env.unsupported(fmt::format("{}(): the kernel's BTF has no struct {}", fn.name, fn.ret.btf_type));
  RegState& r0 = fresh_pointer(env, RegBase::kBtfId, fn.ret.flags);
  r0.btf = env.cat.vmlinux.get();
  r0.btf_id = id;
}

void set_return(Env& env, const HelperDef& fn, const CallMeta& meta) {
  const RetSpec& ret = fn.ret;
  switch (ret.kind) {
    case RetKind::kInteger: mark_unknown(env, 0); break;
    case RetKind::kVoid: env.mut_reg(0).type = RegType(RegBase::kNotInit); break;
    case RetKind::kMapValue: {
      if (!meta.map) env.reject(EINVAL, "kernel subsystem misconfigured verifier");
      RegState& r0 = fresh_pointer(env, RegBase::kMapValue, ret.flags);
      r0.map = meta.map;
      r0.map_uid = meta.map_uid;
      if (!(ret.flags & kMaybeNull) && map_field(meta.map, btf::kFieldSpinLock)) r0.id = env.new_id();
      break;
    }
    case RetKind::kSocket: fresh_pointer(env, RegBase::kSocket, ret.flags); break;
    case RetKind::kSockCommon: fresh_pointer(env, RegBase::kSockCommon, ret.flags); break;
    case RetKind::kTcpSock: fresh_pointer(env, RegBase::kTcpSock, ret.flags); break;
    case RetKind::kMem:
      fresh_pointer(env, RegBase::kMem, ret.flags).mem_size =
          ret.size ? ret.size : static_cast<u32>(meta.mem_size);
      break;
    case RetKind::kMemOrBtfId: set_mem_or_object(env, ret, meta); break;
    case RetKind::kBtfId: set_kernel_object(env, fn, meta); break;
  }
  if (env.reg(0).type.maybe_null()) env.mut_reg(0).id = env.new_id();
}

bool acquires(const HelperDef& fn, const CallMeta& meta) {
  if (fn.effects & kAcquiresRef) return true;
  return (fn.effects & kMapLookup) && meta.map && meta.map->def && (meta.map->def->traits & kMapValueIsSock);
}

void set_ownership(Env& env, const HelperDef& fn, const CallMeta& meta) {
  if (fn.effects & kDynptrData) env.mut_reg(0).dynptr_id = meta.dynptr_id;
  if (fn.effects & (kDynptrData | kAliasesArg)) {
    env.mut_reg(0).ref_obj_id = meta.ref_obj_id;
  } else if (acquires(fn, meta)) {
    const u32 id = acquire_ref(env, env.insn_idx);
    env.mut_reg(0).id = id;
    env.mut_reg(0).ref_obj_id = id;
  }
}

void refine_return(Env& env, const HelperDef& fn, const CallMeta& meta) {
  if (fn.ret.kind != RetKind::kInteger) return;
  RegState& r0 = env.mut_reg(0);
  if (fn.effects & kRetBoundedByArgSize) {
    r0.s.smax = static_cast<s64>(meta.size_max);
    r0.s.s32_max = static_cast<s32>(meta.size_max);
    r0.s.smin = -kMaxErrno;
    r0.s.s32_min = -kMaxErrno;
    r0.s.sync();
  }
  if (fn.effects & kRetIsCpuId) {
    const u32 last = env.cat.nr_cpus - 1;
    r0.s.umin = r0.s.u32_min = 0;
    r0.s.smin = r0.s.s32_min = 0;
    r0.s.umax = r0.s.u32_max = last;
    r0.s.smax = r0.s.s32_max = static_cast<s32>(last);
    r0.s.sync();
  }
  if (const char* what = r0.s.violation()) {
    env.log("{}\n", format_violation(r0.s, "retval", what));
    if (env.opt.test_reg_invariants) env.reject_silently(EFAULT);
    r0.s.set_unbounded();
  }
}

void check_function_entry(Env& env, const HelperDef& fn) {
  if (!(fn.effects & kNeedsFuncEntry) || env.type->name != "tracing") return;
  const u32 attach = env.prog.expected_attach_type;
  if (attach < kAttachFentry || attach > kAttachModifyReturn)
    env.reject(kEnotsupp, "func {}#{} supported only for fentry/fexit/fmod_ret programs", fn.name, fn.id);
}

}  // namespace

bool allowed_under_lock(const Env& env, const Insn& call) {
  if (call.src == isa::kPseudoCall) return true;
  if (call.src == isa::kPseudoKfuncCall) {
    // Lists and trees are changed under their lock.
    const KfuncDef* def = call.off == 0 ? kfunc_of(env, call) : nullptr;
    return def && def->role >= KfuncRole::kRefcountAcquire && def->role <= KfuncRole::kRbtreeFirst;
  }
  const HelperDef* fn = env.cat.helper_any(static_cast<u32>(call.imm));
  return fn && (fn->effects & kSpinUnlock);
}

void check_helper_call(Env& env) {
  const HelperDef& fn = find_helper(env);
  check_region(env, fn);
  CallMeta meta;
  meta.fn = &fn;
  for (u32 i = 0; i < 5; i++) check_argument(env, i, meta);
  record_map(env, meta);
  record_tail_call_key(env, meta);
  // Memory that the helper fills counts as written from here on.
  for (s32 i = 0; i < meta.mem.raw_access_size; i++)
    check_mem_access(env, env.insn_idx, meta.mem.raw_regno, i, 1, Access::kWrite, -1, false, false);
  release_argument(env, fn, meta);
  const bool moves_packet = apply_effects(env, fn, meta);
  clear_caller_saved(env);
  env.mut_reg(0).subreg_def = 0;
  set_return(env, fn, meta);
  set_ownership(env, fn, meta);
  refine_return(env, fn, meta);
  check_map_compatible(env, meta);
  check_function_entry(env, fn);
  if (moves_packet) forget_packet_pointers(env);
}

}  // namespace osmia::verifier
