// Stores to the stack. A store at a slot's lowest address keeps the value (a spill), anything else leaves
// bytes of unknown or zero content; a store at a variable offset may have hit any byte of its range, so it
// weakens all of them.
#include "verifier/access/region.h"
#include "verifier/call/call.h"
#include "verifier/log/log.h"

namespace osmia::verifier {
namespace {

bool is_spillable(RegType t) {
  switch (t.base) {
    case RegBase::kNotInit:
    case RegBase::kScalar:
    case RegBase::kTpBuffer:
    case RegBase::kDynptr:
    case RegBase::kCount: return false;
    default: return true;
  }
}

bool stores_immediate(const Insn& in) {
  return in.cls() == isa::kSt && in.mode() == isa::kMem;
}

bool is_special(const StackSlot& s) {
  const SlotType t = s.type[kRegSize - 1];
  return t == SlotType::kSpill || t == SlotType::kDynptr || t == SlotType::kIter;
}

// Plain bytes go where a register, dynptr or iterator was: it is none any more.
void forget_special(StackSlot& s) {
  s.spilled.type = RegType(RegBase::kNotInit);
  if (!is_special(s)) return;
  for (SlotType& b : s.type) demote_to_misc(b);
}

void save_register(Env& env, u32 frame, int slot, const RegState& value, int size) {
  StackSlot& s = env.cur->frames[frame].mut().stack.mut(slot);
  s.spilled = value;
  if (size == kRegSize) mark_stack_written(*env.cur, frame, slot);
  for (int b = 0; b < kRegSize; b++) {
    SlotType& t = s.type[b];
    if (b >= kRegSize - size) {
      t = SlotType::kSpill;
    } else if (t != SlotType::kZero) {
      demote_to_misc(t);  // known zeros stay so
    }
  }
}

void scratch(Env& env, int slot) {
  env.scratch_slot(env.cur->curframe, slot);
}

// Store bypass: a younger load could see what the slot held before, unless that was plain data of this
// program's.
void note_spec_v4(Env& env, const StackSlot& s, s32 off, int size, const RegState* value, u32 insn_idx) {
  if (env.bypass_spec_v4) return;
  bool needed = value && is_spillable(value->type);
  for (int i = 0; i < size && !needed; i++) {
    const SlotType t = s.type[byte_of(off + i)];
    needed = t != SlotType::kMisc && t != SlotType::kZero;
  }
  if (!needed) return;
  env.aux[insn_idx].nospec = true;
}

}  // namespace

void write_stack_fixed(Env& env, u32 frame, s32 off, int size, int value_regno, u32 insn_idx) {
  const int slot = slot_of(off);
  const Insn& in = env.insns[insn_idx];
  const u32 cur = env.cur->curframe;
  {
    const StackSlot& s = env.cur->frames[frame]->stack[slot];
    if (!env.allow_ptr_leaks && s.is_spill() && !s.is_scalar_spill() && size != kRegSize)
      env.reject(EACCES, "attempt to corrupt spilled pointer on stack");
    note_spec_v4(env, s, off, size, value_regno >= 0 ? &env.reg(value_regno) : nullptr, insn_idx);
  }
  destroy_if_dynptr_slot(env, frame, slot);
  check_fastcall_contract(env, env.cur->frames[frame]->subprog, insn_idx, off);
  scratch(env, slot);

  const bool at_slot = off % kRegSize == 0;
  const bool has_reg = value_regno >= 0;
  const bool scalar = has_reg && env.reg(value_regno).is_scalar();
  if (scalar && at_slot && env.bpf_capable) {
    const bool fits = width_of(env.reg(value_regno).s) <= 8 * size;
    if (fits) assign_scalar_id(env, value_regno);  // so that the slot and the register learn together
    RegState value = env.reg(value_regno);
    if (!fits) value.id = 0;  // a truncated copy is no equal
    save_register(env, frame, slot, value, size);
  } else if (!has_reg && at_slot && stores_immediate(in) && env.bpf_capable) {
    RegState value;
    set_known(value, static_cast<u64>(static_cast<s64>(in.imm)));
    save_register(env, frame, slot, value, size);
  } else if (has_reg && is_spillable(env.reg(value_regno).type)) {
    if (size != kRegSize) {
      print_source_line(env, insn_idx, "; ");
      env.reject(EACCES, "invalid size of register spill");
    }
    // A pointer into this frame must not outlive it in the caller's.
    if (frame != cur && is_exactly(env.reg(value_regno).type, RegBase::kStack))
      env.reject(EINVAL, "cannot spill pointers to stack into stack frame of the caller");
    const RegState value = env.reg(value_regno);
    save_register(env, frame, slot, value, size);
  } else {
    forget_special(env.cur->frames[frame].mut().stack.mut(slot));
    if (size == kRegSize) mark_stack_written(*env.cur, frame, slot);
    SlotType type = SlotType::kMisc;
    if ((has_reg && env.reg(value_regno).is_null()) || (!has_reg && stores_immediate(in) && in.imm == 0)) {
      // Zero bytes have no register to track, so the register's value must have been exact.
      if (has_reg) mark_precise(env, value_regno);
      type = SlotType::kZero;
    }
    StackSlot& s = env.cur->frames[frame].mut().stack.mut(slot);
    for (int i = 0; i < size; i++) s.type[byte_of(off + i)] = type;
    return;
  }
  push_history(env, static_cast<u16>(kHistStackAccess | slot << kHistSlotShift | frame));
}

namespace {

void write_variable(Env& env, const Touch& t) {
  const RegState& ptr = env.reg(t.regno);
  const u32 frame = ptr.frameno;
  const s32 first = static_cast<s32>(ptr.s.smin + t.off);
  const s32 end = static_cast<s32>(ptr.s.smax + t.off + t.size);
  const Insn& in = env.insns[t.insn_idx];
  const bool zero =
      t.value_regno >= 0 ? env.reg(t.value_regno).is_null() : stores_immediate(in) && in.imm == 0;
  bool zero_used = false;  // the store's being zero let a byte stay known as zero

  for (s32 i = first; i < end; i++) destroy_if_dynptr_slot(env, frame, slot_of(i));
  check_fastcall_contract(env, env.cur->frames[frame]->subprog, t.insn_idx, first);
  for (s32 i = first; i < end; i++) {
    const int slot = slot_of(i), byte = byte_of(i);
    scratch(env, slot);
    const StackSlot& s = env.cur->frames[frame]->stack[slot];
    if (!env.allow_ptr_leaks && s.type[byte] != SlotType::kMisc && s.type[byte] != SlotType::kZero) {
      // What the bytes hold would be forgotten although they may not be written: a pointer could leak later.
      const std::string line =
          fmt::format("spilled ptr in range of var-offset stack write; insn {}, ptr off: {}", t.insn_idx, i);
      env.note_reason(line);
      env.log_text(line);
      env.reject_silently(EINVAL);
    }
    if (zero && s.type[byte] == SlotType::kSpill && s.is_scalar_spill() && s.spilled.is_null()) {
      zero_used = true;
      continue;
    }
    StackSlot& w = env.cur->frames[frame].mut().stack.mut(slot);
    forget_special(w);
    SlotType type = SlotType::kMisc;
    if (zero && w.type[byte] == SlotType::kZero) {
      type = SlotType::kZero;
      zero_used = true;
    }
    if (w.type[byte] == SlotType::kInvalid && !env.allow_uninit_stack)
      env.reject(EINVAL, "uninit stack in range of var-offset write prohibited for !root; insn {}, off: {}",
                 t.insn_idx, i);
    w.type[byte] = type;
  }
  if (zero_used && t.value_regno >= 0) mark_precise(env, t.value_regno);
}

}  // namespace

void write_stack(Env& env, const Touch& t) {
  const RegState& ptr = env.reg(t.regno);
  if (!ptr.s.is_const()) return write_variable(env, t);
  write_stack_fixed(env, ptr.frameno, t.off + static_cast<s32>(ptr.s.var_off.value), t.size, t.value_regno,
                    t.insn_idx);
}

}  // namespace osmia::verifier
