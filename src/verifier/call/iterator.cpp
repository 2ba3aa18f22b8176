// Open-coded iterators: an object on the stack that only its own functions may touch. next() forks: one path
// sees the end, the other an element; convergence of the second is the explorer's. Invariant: only the first
// slot of an iterator holds its reference.
#include "btf/btf.h"
#include "verifier/call/kfunc.h"
#include "verifier/state/compare.h"
#include "verifier/transfer/transfer.h"

namespace osmia::verifier {

using namespace contract;

namespace {

// The struct that the argument points to, 0 if it is no iterator.
u32 iterator_type(const KfuncCall& call, u32 arg) {
  const auto params = call.proto.params();
  if (arg >= params.size()) return 0;
  const btf::TypeView p = call.btf->skip_modifiers(params[arg].type);
  if (!p.is(btf::Kind::kPtr)) return 0;
  const btf::TypeView t = call.btf->skip_modifiers(p.type());
  return t.is_struct_or_union() && t.name().starts_with("bpf_iter_") ? t.id() : 0;
}

void set_slot_type(StackSlot& slot, SlotType t) {
  for (SlotType& b : slot.type) b = t;
}

bool touches_iterator(const Stack& stack, int slot, int nr_slots) {
  for (int i = 0; i < nr_slots; i++)
    for (SlotType t : stack[slot - i].type)
      if (t == SlotType::kIter) return true;
  return false;
}

enum class Valid : u8 { kYes, kNo, kUnprotected };

Valid is_initialized(Env& env, const StackPlace& p, const KfuncCall& call, u32 type, int nr_slots) {
  if (p.placement != Placement::kOk) return Valid::kNo;
  const Stack& stack = env.cur->frames[p.frame]->stack;
  for (int i = 0; i < nr_slots; i++) {
    const StackSlot& slot = stack[p.slot - i];
    for (SlotType t : slot.type)
      if (t != SlotType::kIter) return Valid::kNo;
    if (slot.spilled.type.has(kUntrusted)) return Valid::kUnprotected;
    if ((i == 0) != (slot.spilled.ref_obj_id != 0)) return Valid::kNo;
    if (slot.spilled.btf != call.btf || slot.spilled.btf_id != type) return Valid::kNo;
  }
  return Valid::kYes;
}

void make(Env& env, u32 regno, const KfuncCall& call, u32 type, int nr_slots) {
  for (int i = 0; i < nr_slots * kRegSize; i += kRegSize)
    check_mem_access(env, env.insn_idx, regno, i, kRegSize, Access::kWrite, -1, false, false);
  const StackPlace p = place_on_stack(env, regno, "iter", nr_slots);
  if (p.placement != Placement::kOk) env.reject_silently(EINVAL);
  const u32 ref = acquire_ref(env, env.insn_idx);
  u32 flags = 0;
  if (call.has(kKfRcuProtected)) flags = in_rcu_section(env) ? kRcu : kUntrusted;
  PathState& st = *env.cur;
  Frame& fr = st.frames[p.frame].mut();
  for (int i = 0; i < nr_slots; i++) {
    StackSlot& slot = fr.stack.mut(p.slot - i);
    set_pointer(slot.spilled, RegType(RegBase::kStack, flags));
    slot.spilled.ref_obj_id = i == 0 ? ref : 0;
    slot.spilled.btf = call.btf;
    slot.spilled.btf_id = type;
    slot.spilled.iter = {IterState::kActive, 0};
    set_slot_type(slot, SlotType::kIter);
    mark_stack_written(st, p.frame, p.slot - i);
    env.scratch_slot(p.frame, p.slot - i);
  }
}

void destroy(Env& env, const StackPlace& p, int nr_slots) {
  PathState& st = *env.cur;
  const u32 ref = st.frames[p.frame]->stack[p.slot].spilled.ref_obj_id;
  drop_reference(env, ref);
  Frame& fr = st.frames[p.frame].mut();
  for (int i = 0; i < nr_slots; i++) {
    StackSlot& slot = fr.stack.mut(p.slot - i);
    set_not_init(env, slot.spilled);
    set_slot_type(slot, SlotType::kInvalid);
    mark_stack_written(st, p.frame, p.slot - i);
    env.scratch_slot(p.frame, p.slot - i);
  }
}

}  // namespace

void check_iter_arg(Env& env, u32 regno, KfuncCall& call) {
  if (!is_exact(env.reg(regno), RegBase::kStack))
    env.reject(EINVAL, "arg#{} expected pointer to an iterator on stack", regno - 1);
  const u32 type = iterator_type(call, regno - 1);
  if (!type) env.reject(EINVAL, "expected valid iter pointer as arg #{}", regno - 1);
  const int nr_slots = static_cast<int>(call.btf->type(type).size()) / kRegSize;
  const StackPlace p = place_on_stack(env, regno, "iter", nr_slots);
  if (call.has(kKfIterNew)) {
    const bool fresh = p.placement == Placement::kOutside ||
                       (p.placement == Placement::kOk &&
                        !touches_iterator(env.cur->frames[p.frame]->stack, p.slot, nr_slots));
    if (!fresh)
      env.reject(EINVAL, "expected uninitialized iter_{} as arg #{}", iter_type_str(call.btf, type),
                 regno - 1);
    make(env, regno, call, type, nr_slots);
    return;
  }
  switch (is_initialized(env, p, call, type, nr_slots)) {
    case Valid::kYes: break;
    case Valid::kNo:
      env.reject(EINVAL, "expected an initialized iter_{} as arg #{}", iter_type_str(call.btf, type),
                 regno - 1);
    case Valid::kUnprotected: env.reject(EPROTO, "expected an RCU CS when using {}", call.name);
  }
  for (int i = 0; i < nr_slots; i++) {
    mark_stack_read(env, *env.cur, p.frame, p.slot - i);
    env.scratch_slot(p.frame, p.slot - i);
  }
  call.iter_frame = p.frame;
  call.iter_slot = p.slot;
  call.ref_obj_id = env.cur->frames[p.frame]->stack[p.slot].spilled.ref_obj_id;
  if (call.has(kKfIterDestroy)) destroy(env, p, nr_slots);
}

const RegState& iterator_of(const PathState& st, const KfuncCall& call) {
  return st.frames[call.iter_frame]->stack[call.iter_slot].spilled;
}

void fork_iter_next(Env& env, const KfuncCall& call) {
  PathState& st = *env.cur;
  const auto iter_in = [&](PathState& s) -> RegState& {
    return s.frames[call.iter_frame].mut().stack.mut(call.iter_slot).spilled;
  };
  const IterState now = iterator_of(st, call).iter.state;
  OSMIA_BUG_IF(now == IterState::kInvalid);
  if (now == IterState::kActive) {
    // next() is a checkpoint, so the parent was saved right here.
    if (!env.merger && (!st.parent || st.parent->insn_idx != env.insn_idx || !same_callsites(*st.parent, st)))
      OSMIA_BUG("bad parent state for iter next call");
    const PathState* prev = env.merger ? nullptr : previous_entry(env, *st.parent, env.insn_idx);
    PathState& more = push_branch(env, env.insn_idx + 1, static_cast<s32>(env.insn_idx), false);
    RegState& iter = iter_in(more);
    iter.iter.state = IterState::kActive;
    iter.iter.depth++;
    if (prev) widen_imprecise(env, *prev, more);
    mark_not_null(more.mut_frame().regs[0]);
  }
  iter_in(st).iter.state = IterState::kDrained;
  RegState& r0 = env.mut_reg(0);
  set_known(r0, 0);
  r0.precise = !env.bpf_capable;
}

}  // namespace osmia::verifier
