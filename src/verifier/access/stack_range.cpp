// Stack bounds, and ranges of stack bytes that must be initialised before somebody reads them. Bytes that a
// helper may overwrite lose what was known of them.
#include "verifier/access/region.h"
#include "verifier/call/call.h"
#include "verifier/domain/print.h"

namespace osmia::verifier {
namespace {

// Makes the frame's stack at least `bytes` deep and notes the subprogram's need.
void grow(Env& env, u32 frame, s64 bytes) {
  const int slots = static_cast<int>((bytes + kRegSize - 1) / kRegSize);
  PathState& st = *env.cur;
  if (st.frames[frame]->stack.slots() >= slots) return;
  Frame& f = st.frames[frame].mut();
  f.stack.grow(slots);
  u16& depth = env.subprogs[f.subprog].stack_depth;
  if (depth < slots * kRegSize) depth = static_cast<u16>(slots * kRegSize);
}

bool within(const Env& env, const Frame& f, s64 off, Access how) {
  const s64 lowest = how == Access::kWrite || env.allow_uninit_stack ? -kMaxStackBytes : -f.stack.bytes();
  return off >= lowest && off <= -1;
}

// Bytes [first, end) of the frame are reached through a pointer.
void note_addressed(Env& env, u32 frame, s64 first, s64 end) {
  const int lowest = slot_of(static_cast<s32>(first)),
            highest = end > first ? slot_of(static_cast<s32>(end) - 1) : lowest;
  env.subprogs[env.cur->frames[frame]->subprog].addressed_slots |= slot_mask(highest, lowest);
}

}  // namespace

void note_escape(Env& env, const RegState& r) {
  if (r.type.base != RegBase::kStack) return;
  env.subprogs[env.cur->frames[r.frameno]->subprog].addressed_slots = ~u64{0};
}

void check_fastcall_contract(Env& env, u32 subprog, u32 insn_idx, s32 off) {
  Subprog& sp = env.subprogs[subprog];
  if (static_cast<s16>(sp.fastcall_stack_off) <= off || env.aux[insn_idx].fastcall_pattern) return;
  sp.fastcall_stack_off = static_cast<u16>(INT16_MIN);
  for (u32 i = sp.start; i < sp.end; i++) {
    env.aux[i].fastcall_spills = 0;
    env.aux[i].fastcall_pattern = 0;
  }
}

void check_stack_bounds(Env& env, u32 regno, s32 off, s32 size, bool by_helper, Access how) {
  const RegState& r = env.reg(regno);
  const u32 frame = r.frameno;
  const bool fixed = r.s.is_const();
  const std::string_view verb = by_helper              ? " indirect access to"
                                : how == Access::kRead ? " read from"
                                                       : " write to";
  s64 first, end;
  if (fixed) {
    first = static_cast<s64>(r.s.var_off.value + static_cast<u64>(s64{off}));
    end = static_cast<s64>(static_cast<u64>(first) + static_cast<u64>(s64{size}));
  } else {
    if (r.s.smax >= kMaxVarOff || r.s.smin <= -kMaxVarOff)
      env.reject(EACCES, "invalid unbounded variable-offset{} stack R{}", verb, regno);
    first = r.s.smin + off;
    end = r.s.smax + off + size;
  }
  int error = 0;
  if (!within(env, *env.cur->frames[frame], first, how)) {
    error = EACCES;
  } else if (end > 0) {
    error = EINVAL;
  } else if (size < 0) {
    error = EFAULT;
  }
  if (error && fixed) env.reject(error, "invalid{} stack R{} off={} size={}", verb, regno, off, size);
  if (error)
    env.reject(error, "invalid variable-offset{} stack R{} var_off={} off={} size={}", verb, regno,
               tnum_strn(r.s.var_off), off, size);
  grow(env, frame, -first);
  if (regno != isa::kFp) note_addressed(env, frame, first, end);
}

void check_stack_initialized(Env& env, u32 regno, s32 off, s32 size, bool zero_size_allowed, bool by_helper,
                             MemArg* arg) {
  const std::string_view verb = by_helper ? " indirect" : "";
  if (size == 0 && !zero_size_allowed) env.reject(EACCES, "invalid zero-sized read");
  // Helpers may write: bytes are checked one by one below unless the buffer is an output.
  check_stack_bounds(env, regno, off, size, by_helper, by_helper ? Access::kWrite : Access::kRead);

  const Scalar var = env.reg(regno).s;
  const u32 frame = env.reg(regno).frameno;
  const bool fixed = var.is_const();
  s32 first, last;
  if (fixed) {
    first = last = static_cast<s32>(var.var_off.value + static_cast<u64>(s64{off}));
  } else {
    // Sanitation of stack arithmetic knows no variable offsets.
    if (!env.bypass_spec_v1)
      env.reject(EACCES, "R{}{} variable offset stack access prohibited for !root, var_off={}", regno, verb,
                 tnum_strn(var.var_off));
    // Which bytes an output covers is unknown, so they cannot count as initialised afterwards.
    if (arg && arg->raw_mode) arg = nullptr;
    first = static_cast<s32>(var.smin + off);
    last = static_cast<s32>(var.smax + off);
  }
  const s32 end = last + size;

  if (arg && arg->raw_mode) {
    const Stack& stack = env.cur->frames[frame]->stack;
    for (s32 i = first; i < end; i++)
      if (slot_of(i) < stack.slots() && stack[slot_of(i)].type[byte_of(i)] == SlotType::kDynptr)
        env.reject(EACCES, "potential write to dynptr at off={} disallowed", i);
    arg->raw_access_size = size;
    arg->raw_regno = regno;
    return;
  }

  for (s32 i = first; i < end; i++) {
    const int slot = slot_of(i), byte = byte_of(i);
    OSMIA_BUG_IF(slot >= env.cur->frames[frame]->stack.slots());
    const StackSlot& s = env.cur->frames[frame]->stack[slot];
    const SlotType type = s.type[byte];
    if (type == SlotType::kMisc) {
      // as it should be
    } else if (type == SlotType::kZero || (type == SlotType::kInvalid && env.allow_uninit_stack)) {
      if (by_helper) env.cur->frames[frame].mut().stack.mut(slot).type[byte] = SlotType::kMisc;
    } else if (s.is_spill() && (s.spilled.is_scalar() || env.allow_ptr_leaks)) {
      if (by_helper) {
        StackSlot& w = env.cur->frames[frame].mut().stack.mut(slot);
        set_unknown(env, w.spilled);
        for (SlotType& b : w.type) demote_to_misc(b);
      }
    } else if (fixed) {
      env.reject(EACCES, "invalid{} read from stack R{} off {}+{} size {}", verb, regno, first, i - first,
                 size);
    } else {
      env.reject(EACCES, "invalid{} read from stack R{} var_off {}+{} size {}", verb, regno,
                 tnum_strn(var.var_off), i - first, size);
    }
    // One byte read keeps the whole slot; nothing is known to be overwritten.
    mark_stack_read(env, *env.cur, frame, slot);
  }
}

void touch_stack(Env& env, const Touch& t) {
  check_stack_bounds(env, t.regno, t.off, t.size, false, t.how);
  if (t.reads()) {
    read_stack(env, t);
  } else {
    write_stack(env, t);
  }
}

}  // namespace osmia::verifier
