// Dynptrs on the stack: two slots that only helpers may fill, each with an id that ties slices to their
// dynptr, and a reference where the memory behind must be given back. Invariant: both slots of a dynptr are
// marked whole or not at all, and a slice never outlives its dynptr.
#include "verifier/call/common.h"

namespace osmia::verifier {

using namespace contract;

namespace {

constexpr int kDynptrSlots = 2;
constexpr int kDynptrBytes = kDynptrSlots * kRegSize;

void set_type(StackSlot& slot, SlotType t) {
  for (SlotType& b : slot.type) b = t;
}

// Empties both slots. Written, so that a later read does not reach back over this point.
void clear_slots(Env& env, u32 frame, int slot) {
  PathState& st = *env.cur;
  Frame& fr = st.frames[frame].mut();
  for (int s : {slot, slot - 1}) {
    StackSlot& sl = fr.stack.mut(s);
    set_type(sl, SlotType::kInvalid);
    set_not_init(env, sl.spilled);
    mark_stack_written(st, frame, s);
  }
}

const StackSlot& slot_at(const Env& env, const StackPlace& p) {
  return env.cur->frames[p.frame]->stack[p.slot];
}

bool holds_whole_dynptr(const Env& env, const StackPlace& p) {
  const Stack& stack = env.cur->frames[p.frame]->stack;
  if (stack[p.slot].type[0] != SlotType::kDynptr || !stack[p.slot].spilled.dynptr.first_slot) return false;
  for (int b = 0; b < kRegSize; b++)
    if (stack[p.slot].type[b] != SlotType::kDynptr || stack[p.slot - 1].type[b] != SlotType::kDynptr)
      return false;
  return true;
}

bool can_be_made(Env& env, u32 regno) {
  if (is_exact(env.reg(regno), RegBase::kDynptr)) return false;
  return place_on_stack(env, regno, "dynptr", kDynptrSlots).placement != Placement::kBad;
}

bool is_initialized(Env& env, u32 regno) {
  if (is_exact(env.reg(regno), RegBase::kDynptr)) return true;
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  return p.placement == Placement::kOk && holds_whole_dynptr(env, p);
}

void make(Env& env, u32 regno, u32 flags, u32 clone_ref) {
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  if (p.placement != Placement::kOk) env.reject_silently(EINVAL);
  // Either slot may belong to an older dynptr, and not to the same one.
  destroy_if_dynptr_slot(env, p.frame, p.slot);
  destroy_if_dynptr_slot(env, p.frame, p.slot - 1);
  PathState& st = *env.cur;
  const DynptrKind kind = dynptr_kind_of(flags);
  if (kind == DynptrKind::kInvalid) env.reject_silently(EINVAL);
  const u32 id = env.new_id();
  {
    Frame& fr = st.frames[p.frame].mut();
    for (int s : {p.slot, p.slot - 1}) {
      StackSlot& sl = fr.stack.mut(s);
      set_type(sl, SlotType::kDynptr);
      set_dynptr(sl.spilled, kind, s == p.slot, id);
      mark_stack_written(st, p.frame, s);
    }
  }
  if (is_refcounted(kind)) {
    const u32 ref = clone_ref ? clone_ref : acquire_ref(env, env.insn_idx);
    Frame& fr = st.frames[p.frame].mut();
    fr.stack.mut(p.slot).spilled.ref_obj_id = ref;
    fr.stack.mut(p.slot - 1).spilled.ref_obj_id = ref;
  }
}

}  // namespace

DynptrKind dynptr_kind_of(u32 flags) {
  switch (flags & kDynptrFlags) {
    case kDynptrLocal: return DynptrKind::kLocal;
    case kDynptrRingbuf: return DynptrKind::kRingbuf;
    case kDynptrSkb: return DynptrKind::kSkb;
    case kDynptrXdp: return DynptrKind::kXdp;
    default: return DynptrKind::kInvalid;
  }
}

u32 dynptr_flag_of(DynptrKind kind) {
  switch (kind) {
    case DynptrKind::kLocal: return kDynptrLocal;
    case DynptrKind::kRingbuf: return kDynptrRingbuf;
    case DynptrKind::kSkb: return kDynptrSkb;
    case DynptrKind::kXdp: return kDynptrXdp;
    default: return 0;
  }
}

void set_dynptr(RegState& r, DynptrKind kind, bool first_slot, u32 id) {
  set_pointer(r, RegType(RegBase::kDynptr));
  r.id = id;
  r.dynptr = {kind, first_slot};
}

void invalidate_dynptr_slices(Env& env, u32 dynptr_id) {
  for_each_reg(
      *env.cur,
      [&](const RegState& r) {
        return r.is(RegBase::kMem) && !(r.type.flags & ~kMaybeNull) && r.dynptr_id == dynptr_id;
      },
      [&](RegState& r) { invalidate_reg(env, r); });
}

void destroy_if_dynptr_slot(Env& env, u32 frame, int slot) {
  {
    const Stack& stack = env.cur->frames[frame]->stack;
    if (slot < 0 || slot >= stack.slots() || stack[slot].type[0] != SlotType::kDynptr) return;
    if (!stack[slot].spilled.dynptr.first_slot) slot++;
    if (is_refcounted(stack[slot].spilled.dynptr.kind))
      env.reject(EINVAL, "cannot overwrite referenced dynptr");
  }
  env.scratch_slot(frame, slot);
  env.scratch_slot(frame, slot - 1);
  const u32 id = env.cur->frames[frame]->stack[slot].spilled.id;
  clear_slots(env, frame, slot);
  invalidate_dynptr_slices(env, id);
}

bool dynptr_is_acquired(Env& env, u32 regno) {
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  return p.placement == Placement::kOk && slot_at(env, p).spilled.ref_obj_id != 0;
}

void release_stack_dynptr(Env& env, u32 regno, std::string_view name, u32 id) {
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  const auto fail = [&] {
    env.reject(EINVAL, "func {}#{} reference has not been acquired before", name, id);
  };
  if (p.placement != Placement::kOk) fail();
  if (!is_refcounted(slot_at(env, p).spilled.dynptr.kind)) {
    clear_slots(env, p.frame, p.slot);
    return;
  }
  const u32 ref = slot_at(env, p).spilled.ref_obj_id;
  if (!drop_reference(env, ref)) fail();
  // Clones share the reference, so they die with it.
  const int slots = env.cur->frames[p.frame]->stack.slots();
  for (int s = 1; s < slots; s++) {
    const StackSlot& slot = env.cur->frames[p.frame]->stack[s];
    if (slot.type[0] != SlotType::kDynptr || slot.spilled.ref_obj_id != ref ||
        !slot.spilled.dynptr.first_slot)
      continue;
    clear_slots(env, p.frame, s);
  }
}

DynptrFacts dynptr_facts(Env& env, u32 regno) {
  const RegState& r = env.reg(regno);
  if (is_exact(r, RegBase::kDynptr)) return {r.id, r.ref_obj_id, r.dynptr.kind};
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  if (p.placement != Placement::kOk)
    env.reject(EINVAL, "verifier internal error: failed to obtain dynptr id");
  const RegState& d = slot_at(env, p).spilled;
  return {d.id, d.ref_obj_id, d.dynptr.kind};
}

void check_dynptr_arg(Env& env, u32 regno, u32 flags, u32 clone_ref) {
  const bool is_const = is_exact(env.reg(regno), RegBase::kDynptr);
  if (!is_const && !is_exact(env.reg(regno), RegBase::kStack))
    env.reject(EINVAL, "arg#{} expected pointer to stack or const struct bpf_dynptr", regno - 1);
  if (flags & kUninit) {
    if (!can_be_made(env, regno)) env.reject(EINVAL, "Dynptr has to be an uninitialized dynptr");
    for (int i = 0; i < kDynptrBytes; i += kRegSize)
      check_mem_access(env, env.insn_idx, regno, i, kRegSize, Access::kWrite, -1, false, false);
    make(env, regno, flags, clone_ref);
    return;
  }
  // A const dynptr is a view that others own: what it points to may change, it may not.
  if (is_const && !(flags & kRdOnly))
    env.reject(EINVAL, "cannot pass pointer to const bpf_dynptr, the helper mutates it");
  if (!is_initialized(env, regno)) env.reject(EINVAL, "Expected an initialized dynptr as arg #{}", regno - 1);
  if (flags & kDynptrFlags) {
    const DynptrKind want = dynptr_kind_of(flags);
    if (dynptr_facts(env, regno).kind != want)
      env.reject(EINVAL, "Expected a dynptr of type {} as arg #{}", dynptr_kind_str(want), regno - 1);
  } else if (flags & ~(kRdOnly | kWrite)) {
    // As Linux: any further modifier asks for a kind, and none was named.
    env.reject(EINVAL, "Expected a dynptr of type {} as arg #{}", dynptr_kind_str(DynptrKind::kInvalid),
               regno - 1);
  }
  if (is_const) return;
  const StackPlace p = place_on_stack(env, regno, "dynptr", kDynptrSlots);
  mark_stack_read(env, *env.cur, p.frame, p.slot);
  mark_stack_read(env, *env.cur, p.frame, p.slot - 1);
}

}  // namespace osmia::verifier
