// Kfunc calls: found by name in the kernel's BTF, allowed by program type, checked by prototype and KF_
// flags. What a definition's role says beyond that is applied here, for objects in kfunc_objects.cpp.
#include "verifier/call/kfunc.h"
#include "contract/attach_rules.h"
#include "verifier/prepare/prepare.h"

namespace osmia::verifier {

using namespace contract;

namespace {

const btf::Btf* btf_of_call(Env& env, const Insn& in) {
  if (in.off == 0) {
    if (!env.cat.vmlinux) env.reject_silently(ENOENT);
    return env.cat.vmlinux.get();
  }
  if (in.off < 0) env.reject(EINVAL, "negative offset disallowed for kernel module function call");
  if (static_cast<size_t>(in.off) >= env.prog.fd_array.size()) env.reject_silently(EINVAL);
  std::shared_ptr<const btf::Btf> btf = env.resolver.btf_by_fd(env.prog.fd_array[in.off]);
  if (!btf) env.reject(EINVAL, "invalid module BTF fd specified");
  for (const auto& used : env.used_btfs)
    if (used == btf) return btf.get();
  env.used_btfs.push_back(btf);
  return btf.get();
}

bool may_call(const Env& env, const KfuncDef& def) {
  // A constructor that must not be used everywhere is refused with words of its own, below.
  if (!def.targets.empty() && !(def.flags & kKfIterNew) &&
      !target_allowed(def.targets, env.type->name, env.caller()))
    return false;
  for (std::string_view type : def.prog_types)
    if (type == "common" || type == env.type->name) return true;
  return false;
}

const KfuncDef* find_def(Env& env, std::string_view name) {
  const KfuncDef* found = nullptr;
  for (const KfuncDef* def : env.cat.kfuncs)
    if (def->name == name && may_call(env, *def)) found = found ? found : def;
  return found;
}

KfuncCall fetch(Env& env) {
  const Insn& in = env.insn();
  InsnAux& aux = env.aux[env.insn_idx];
  KfuncCall call;
  call.btf = btf_of_call(env, in);
  call.id = static_cast<u32>(in.imm);
  const btf::TypeView func = call.btf->type(call.id);
  if (!func.is(btf::Kind::kFunc)) env.reject(EINVAL, "kernel btf_id {} is not a function", call.id);
  call.name = func.name();
  call.proto = call.btf->type(func.type());
  if (!call.proto.is(btf::Kind::kFuncProto))
    env.reject(EINVAL, "kernel function btf_id {} does not have a valid func_proto", call.id);
  if (env.cat.kfuncs.empty()) env.unsupported(fmt::format("kfunc {}", call.name));
  if (!aux.kfunc) aux.kfunc = find_def(env, call.name);
  if (!aux.kfunc) env.reject(EACCES, "calling kernel function {} is not allowed", call.name);
  call.def = aux.kfunc;
  return call;
}

// Pointers that the section protected are not to be trusted behind its end.
void distrust(RegState& r) {
  if (r.type.has(kRcu)) r.type = r.type.without(kRcu | kMaybeNull).with(kUntrusted);
}

void end_rcu_section(Env& env) {
  PathState& st = *env.cur;
  for_each_reg(
      st, [](const RegState& r) { return r.type.has(kRcu); }, distrust);
  for (u32 f = 0; f <= st.curframe; f++)
    for (int i = 0; i < st.frames[f]->stack.slots(); i++) {
      const StackSlot& slot = st.frames[f]->stack[i];
      if (slot.type[0] == SlotType::kIter && slot.spilled.type.has(kRcu))
        distrust(st.frames[f].mut().stack.mut(i).spilled);
    }
  st.active_rcu_lock = false;
}

void apply_rcu(Env& env, const KfuncCall& call) {
  PathState& st = *env.cur;
  const bool lock = call.role() == KfuncRole::kRcuReadLock, unlock = call.role() == KfuncRole::kRcuReadUnlock;
  if (!st.active_rcu_lock) {
    if (lock) st.active_rcu_lock = true;
    if (unlock) env.reject(EINVAL, "unmatched rcu read unlock (kernel function {})", call.name);
    return;
  }
  if ((lock || unlock) && in_locked_callback(env))
    env.reject(EACCES, "Calling bpf_rcu_read_{{lock,unlock}} in unnecessary rbtree callback");
  if (lock) env.reject(EINVAL, "nested rcu read lock (kernel function {})", call.name);
  if (unlock) {
    end_rcu_section(env);
  } else if (call.has(kKfSleepable)) {
    env.reject(EACCES, "kernel func {} is sleepable within rcu_read_lock region", call.name);
  }
}

void apply_preemption(Env& env, const KfuncCall& call) {
  PathState& st = *env.cur;
  const bool off = call.role() == KfuncRole::kPreemptDisable, on = call.role() == KfuncRole::kPreemptEnable;
  if (off) {
    st.active_preempt_locks++;
  } else if (on) {
    if (!st.active_preempt_locks)
      env.reject(EINVAL, "unmatched attempt to enable preemption (kernel function {})", call.name);
    st.active_preempt_locks--;
  } else if (st.active_preempt_locks && call.has(kKfSleepable)) {
    env.reject(EACCES, "kernel func {} is sleepable within non-preemptible region", call.name);
  }
}

void check_privilege(Env& env, const KfuncCall& call) {
  if (call.has(kKfDestructive) && !(env.opt.caps >> static_cast<u32>(Capability::kSysBoot) & 1))
    env.reject(EACCES, "destructive kfunc calls require CAP_SYS_BOOT capability");
  if (call.has(kKfSleepable) && !in_sleepable(env))
    env.reject(EACCES, "program must be sleepable to call sleepable kfunc {}", call.name);
  if (is_object_role(call.role()) && call.btf != env.cat.vmlinux.get())
    env.unsupported(fmt::format("kfunc {} of a module", call.name));
  if (call.has(kKfIterNew) && !call.def->targets.empty() && !in_sleepable(env) &&
      !target_allowed(call.def->targets, env.type->name, env.caller()))
    env.reject(EINVAL, "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
}

// As mark_btf_func_reg_size(): what is read and written follows from the prototype, not from the instruction.
void note_result_size(Env& env, u32 bytes) {
  mark_reg_written(*env.cur, env.cur->curframe, 0);
  env.mut_reg(0).subreg_def = bytes == 8 ? 0 : static_cast<s32>(env.insn_idx) + 1;
}

void note_argument_sizes(Env& env, const KfuncCall& call) {
  const auto params = call.proto.params();
  for (u32 i = 0; i < params.size(); i++) {
    const btf::TypeView t = call.btf->skip_modifiers(params[i].type);
    const bool full = t.is(btf::Kind::kPtr) || t.size() == 8;
    if (full) note_zext(env, env.mut_reg(i + 1));
    mark_reg_read(env, *env.cur, env.cur->curframe, i + 1, full ? ReadWidth::k64 : ReadWidth::k32);
  }
}

RegState& pointer_result(Env& env, RegType type) {
  RegState& r0 = env.mut_reg(0);
  set_pointer(r0, type);
  return r0;
}

void set_object(Env& env, RegType type, const btf::Btf* btf, u32 id) {
  RegState& r0 = pointer_result(env, type);
  r0.btf = btf;
  r0.btf_id = id;
}

void set_slice(Env& env, const KfuncCall& call) {
  OSMIA_BUG_IF(!call.constant_found || !call.dynptr.id);
  u32 flags = dynptr_flag_of(call.dynptr.kind);
  if (call.role() == KfuncRole::kDynptrSlice) {
    flags |= kRdOnly;
  } else if (!may_access_packet(env, nullptr, Access::kWrite)) {
    env.reject(EINVAL, "the prog does not allow writes to packet data");
  }
  RegState& r0 = pointer_result(env, RegType(RegBase::kMem, flags));
  r0.mem_size = static_cast<u32>(call.constant);
  r0.dynptr_id = call.dynptr.id;
}

void set_rdonly_cast(Env& env, const KfuncCall& call) {
  const btf::TypeView t = call.btf->type(static_cast<u32>(call.constant));
  if (call.constant > UINT32_MAX || !t.exists() || !t.is_struct_or_union())
    env.reject(EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct");
  set_object(env, RegType(RegBase::kBtfId, kUntrusted), call.btf, t.id());
}

void set_memory(Env& env, KfuncCall& call, const btf::TypeView& target) {
  if (!call.r0_size) {
    const auto size = call.btf->size_of(target.id());
    if (size.ok() && *size) {
      call.r0_size = *size;
      call.r0_rdonly = true;
    }
  }
  if (!call.r0_size)
    env.reject(EINVAL, "kernel function {} returns pointer type {} {} is not supported", call.name,
               btf_kind_str(target), target.name());
  RegState& r0 = pointer_result(env, RegType(RegBase::kMem, call.r0_rdonly ? u32{kRdOnly} : 0u));
  r0.mem_size = static_cast<u32>(call.r0_size);
  if (call.ref_obj_id) r0.ref_obj_id = call.ref_obj_id;
}

void finish_pointer_result(Env& env, const KfuncCall& call) {
  const bool or_null = returns_null(call);
  if (or_null) {
    RegState& r0 = env.mut_reg(0);
    r0.type = r0.type.with(kMaybeNull);
    r0.id = env.new_id();
  }
  note_result_size(env, 8);
  if (call.has(kKfAcquire)) {
    const u32 id = acquire_ref(env, env.insn_idx);
    RegState& r0 = env.mut_reg(0);
    if (or_null) r0.id = id;
    r0.ref_obj_id = id;
  } else if (call.role() == KfuncRole::kRbtreeFirst) {
    make_non_owning(env, env.mut_reg(0));
  }
  // Objects with a lock are told apart.
  const btf::FieldRecord* record = record_of(env, env.reg(0));
  if (record && record->has(btf::kFieldSpinLock) && !env.reg(0).id) env.mut_reg(0).id = env.new_id();
}

void set_pointer_result(Env& env, KfuncCall& call, const btf::TypeView& ptr) {
  const btf::TypeView target = call.btf->skip_modifiers(ptr.type());
  if (set_object_result(env, call)) return finish_pointer_result(env, call);
  switch (call.role()) {
    case KfuncRole::kCastToKernCtx:
      set_object(env, RegType(RegBase::kBtfId, kTrusted), call.btf, call.ret_btf_id);
      break;
    case KfuncRole::kRdonlyCast: set_rdonly_cast(env, call); break;
    case KfuncRole::kDynptrSlice:
    case KfuncRole::kDynptrSliceRdwr: set_slice(env, call); break;
    default:
      if (target.is(btf::Kind::kVoid)) {
        mark_unknown(env, 0);
      } else if (!target.is(btf::Kind::kStruct)) {
        set_memory(env, call, target);
      } else {
        u32 flags = 0;
        if (call.has(kKfIterNext)) flags = iterator_of(*env.cur, call).type.has(kRcu) ? kRcu : kTrusted;
        set_object(env, RegType(RegBase::kBtfId, flags), call.btf, target.id());
      }
  }
  finish_pointer_result(env, call);
}

void set_result(Env& env, KfuncCall& call) {
  const btf::TypeView t = call.btf->skip_modifiers(call.proto.type());
  const bool struct_pointer =
      t.is(btf::Kind::kPtr) && call.btf->skip_modifiers(t.type()).is_struct_or_union();
  if (call.has(kKfAcquire) && !struct_pointer && !is_object_role(call.role()))
    env.reject(EINVAL, "acquire kernel function does not return PTR_TO_BTF_ID");
  if (is_scalar_type(t)) {
    mark_unknown(env, 0);
    note_result_size(env, t.size());
  } else if (t.is(btf::Kind::kPtr)) {
    set_pointer_result(env, call, t);
  }
}

}  // namespace

void check_unresolved_kfuncs(Env& env) {
  for (u32 i = 0; i < env.insns.size(); i++)
    if (env.aux[i].seen && isa::is_kfunc_call(env.insns[i]) && env.insns[i].imm == 0)
      env.reject(EINVAL, "invalid kernel function call not eliminated in verifier pass");
}

bool check_kfunc_call(Env& env) {
  // Such a call may stand in code that later proves dead: see check_unresolved_kfuncs().
  if (env.insn().imm == 0) return false;
  KfuncCall call = fetch(env);
  env.aux[env.insn_idx].is_iter_next = call.has(kKfIterNext);
  check_privilege(env, call);
  check_kfunc_args(env, call);
  if (call.def->callback != CallbackShape::kNone)
    push_callback(env, call.callback, call.def->callback, call.map);
  if (call.role() == KfuncRole::kSessionCookie) call.r0_size = 8;
  apply_rcu(env, call);
  apply_preemption(env, call);
  if (call.release_regno && !drop_reference(env, env.reg(call.release_regno).ref_obj_id))
    env.reject(EINVAL, "kfunc {}#{} reference has not been acquired before", call.name, call.id);
  apply_object_effects(env, call);
  if (call.def->throws) {
    env.seen_exception = true;
    // Without a callback of its own the cookie becomes the program's return value.
    if (env.exception_callback_subprog <= 0) check_return_value(env, 1, "R1");
  }
  for (u32 r = 0; r <= 5; r++) mark_not_init(env, r);
  set_result(env, call);
  note_argument_sizes(env, call);
  if (call.has(kKfIterNext)) fork_iter_next(env, call);
  return call.def->throws;
}

}  // namespace osmia::verifier
