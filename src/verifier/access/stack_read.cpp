// Loads from the stack. A load that matches a spill restores the register (a fill); any other load of
// initialised bytes gives a scalar, zero if all of them are known to be zero.
#include "verifier/access/region.h"
#include "verifier/domain/print.h"
#include "verifier/log/log.h"

namespace osmia::verifier {
namespace {

void scratch(Env& env, int slot) {
  env.scratch_slot(env.cur->curframe, slot);
}

void set_zero(Env& env, u32 regno) {
  RegState& r = env.mut_reg(regno);
  set_known(r, 0);
  r.precise = !env.bpf_capable;
}

void mark_loaded(Env& env, u32 regno) {
  mark_reg_written(*env.cur, env.cur->curframe, regno);
}

// The loaded register by the types of bytes [first, end), none of which is part of a spill that can be
// restored.
void load_bytes(Env& env, u32 frame, s32 first, s32 end, u32 dst) {
  bool zero = true;
  for (s32 i = first; i < end && zero; i++) {
    scratch(env, slot_of(i));
    zero = env.cur->frames[frame]->stack[slot_of(i)].type[byte_of(i)] == SlotType::kZero;
  }
  if (zero) {
    set_zero(env, dst);
  } else {
    mark_unknown(env, dst);
  }
  mark_loaded(env, dst);
}

[[noreturn]] void reject_uninitialized(Env& env, s32 off, int i, int size) {
  env.reject(EACCES, "invalid read from stack off {}+{} size {}", off, i, size);
}

// Part of a spill, or all of a partial one. True: the result is the spilled value (the history must know).
bool load_partial(Env& env, const Touch& t, const StackSlot& s, s32 off, u32 frame, int slot) {
  if (!s.spilled.is_scalar()) {
    print_source_line(env, env.insn_idx, "; ");
    env.reject(EACCES, "invalid size of register fill");
  }
  mark_stack_read(env, *env.cur, frame, slot);
  if (t.value_regno < 0) return false;
  const u32 dst = t.value_regno;
  int spilled = 1;
  for (int i = kRegSize - 1; i > 0 && s.type[i - 1] == SlotType::kSpill; i--) spilled++;

  const RegState value = s.spilled;
  if (t.size <= spilled && off % kRegSize == 0) {
    // The low bytes of the spilled value; the door narrows it.
    RegState& r = env.mut_reg(dst);
    const s32 subreg_def = r.subreg_def;
    r = value;
    r.subreg_def = subreg_def;
    if (width_of(value.s) > t.size * 8) clear_scalar_id(r);  // a truncated copy is no equal
    mark_loaded(env, dst);
    return true;
  }
  int spills = 0, zeros = 0;
  for (int i = 0; i < t.size; i++) {
    switch (s.type[byte_of(off + i)]) {
      case SlotType::kSpill: spills++; break;
      case SlotType::kMisc: break;
      case SlotType::kZero: zeros++; break;
      case SlotType::kInvalid:
        if (env.allow_uninit_stack) break;
        [[fallthrough]];
      default: reject_uninitialized(env, off, i, t.size);
    }
  }
  const bool part_of_zero = spills == t.size && value.is_null();
  if (part_of_zero || zeros == t.size) {
    set_zero(env, dst);
  } else {
    mark_unknown(env, dst);
  }
  mark_loaded(env, dst);
  return part_of_zero;
}

void read_fixed(Env& env, const Touch& t, u32 frame, s32 off) {
  const int slot = slot_of(off);
  scratch(env, slot);
  check_fastcall_contract(env, env.cur->frame().subprog, env.insn_idx, off);
  // Registers of this very frame change below; if the frame is shared, the sharer keeps `s` alive.
  const StackSlot& s = env.cur->frames[frame]->stack[slot];
  bool restored = true;
  if (s.is_spill()) {
    if (t.size != kRegSize || !s.is_full_spill()) {
      restored = load_partial(env, t, s, off, frame, slot);
      if (t.value_regno < 0) return;
    } else if (t.value_regno >= 0) {
      env.mut_reg(t.value_regno) = s.spilled;
      mark_loaded(env, t.value_regno);
    } else if (is_pointer_value(env, s.spilled)) {
      env.reject(EACCES, "leaking pointer from stack off {}", off);
    }
    mark_stack_read(env, *env.cur, frame, slot);
  } else {
    for (int i = 0; i < t.size; i++) {
      const SlotType type = s.type[byte_of(off + i)];
      if (type == SlotType::kMisc || type == SlotType::kZero) continue;
      if (type == SlotType::kInvalid && env.allow_uninit_stack) continue;
      reject_uninitialized(env, off, i, t.size);
    }
    mark_stack_read(env, *env.cur, frame, slot);
    if (t.value_regno >= 0) load_bytes(env, frame, off, off + t.size, t.value_regno);
    restored = false;
  }
  if (restored) push_history(env, static_cast<u16>(kHistStackAccess | slot << kHistSlotShift | frame));
}

}  // namespace

void read_stack(Env& env, const Touch& t) {
  const u32 frame = env.reg(t.regno).frameno;
  const Scalar var = env.reg(t.regno).s;
  if (var.is_const()) return read_fixed(env, t, frame, t.off + static_cast<s32>(var.var_off.value));
  // Without a register to go to (atomics), only a fixed offset tells whether a pointer would leak.
  if (t.value_regno < 0)
    env.reject(
        EACCES,
        "variable offset stack pointer cannot be passed into helper function; var_off={} off={} size={}",
        tnum_strn(var.var_off), t.off, t.size);
  check_stack_initialized(env, t.regno, t.off, t.size, false, false, nullptr);
  const s32 first = static_cast<s32>(var.smin + t.off), last = static_cast<s32>(var.smax + t.off);
  load_bytes(env, frame, first, last + t.size, t.value_regno);
  check_fastcall_contract(env, env.cur->frames[frame]->subprog, env.insn_idx, first);
}

}  // namespace osmia::verifier
