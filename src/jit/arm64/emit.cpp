// Frames and what is around a function's nodes.
#include "jit/arm64/emit.h"

#include "base/bits.h"

namespace osmia::jit::arm64 {

using namespace asmjit;

Emitter::Gp Emitter::use(Val v, const Gp& scratch) {
  const Place p = place(v);
  if (p.kind == Place::kReg) return gp(p.reg);
  const Gp to = scratch.x();
  move({{Place::kReg, static_cast<u8>(to.id()), 0}, p, f_->is_const(v) ? at(v).imm : 0});
  return to;
}
Emitter::Gp Emitter::use_or_zero(Val v, const Gp& scratch) {
  return f_->is_const(v) && !at(v).imm ? Gp(a64::xzr) : use(v, scratch);
}

Emitter::Gp Emitter::target(Val v, const Gp& scratch) const {
  const Place p = place(v);
  return p.kind == Place::kReg ? gp(p.reg) : Gp(scratch.x());
}
void Emitter::done(Val v, const Gp& reg) {
  const Place p = place(v);
  if (p.kind == Place::kSlot) a_.str(reg.x(), word(p.slot));
}

void Emitter::prologue() {
  saved_.clear();
  for (u8 r = 19; r < 29; r++)
    if (where_->used_regs >> r & 1) saved_.push_back(r);
  if (f_->has_calls || f_->has_tail_call) saved_.push_back(30);
  saved_words_ = static_cast<u32>(saved_.size());
  const u32 words = frame_words();
  stack_ = (saved_words_ + words) * 8 + static_cast<u32>(align_up(f_->stack_bytes, 8));
  frame_ = stack_;
  stack_ = static_cast<u32>(align_up(stack_, 16));

  note_code();
  a_.bind(out_.entries[f_->subprog]);
  out_.unwind.function(a_.offset());
  if (stack_) add_constant(a_, a64::sp, a64::sp, -static_cast<s64>(stack_), a64::x16);
  out_.unwind.frame(a_.offset(), kDwarfSp, stack_);
  for (u32 k = 0; k < saved_words_; k += 2) {
    const Mem m = a64::ptr(a64::sp, static_cast<s32>(k * 8));
    k + 1 < saved_words_ ? a_.stp(gp(saved_[k]), gp(saved_[k + 1]), m) : a_.str(gp(saved_[k]), m);
  }
  for (u32 k = 0; k < saved_words_; k++) out_.unwind.saved(a_.offset(), dwarf_reg(saved_[k]), stack_ - k * 8);
  if (f_->has_may_goto) a_.str(a64::xzr, word(rounds_word_));
  if (f_->has_tail_call) a_.str(a64::x5, word(counter_word_));
}

void Emitter::epilogue() {
  for (u32 k = 0; k < saved_words_; k += 2) {
    const Mem m = a64::ptr(a64::sp, static_cast<s32>(k * 8));
    k + 1 < saved_words_ ? a_.ldp(gp(saved_[k]), gp(saved_[k + 1]), m) : a_.ldr(gp(saved_[k]), m);
  }
  if (stack_) add_constant(a_, a64::sp, a64::sp, stack_, a64::x17);
  out_.unwind.frame(a_.offset(), kDwarfSp, 0);
}

void Emitter::begin_block(const Block&) {
  last_ = {};
}
void Emitter::constant(Val v) {
  load_constant(a_, gp(where_->place[v].reg), static_cast<u64>(at(v).imm));
}
void Emitter::barrier() {
  a_.dsb(imm(0xf));
  a_.isb(imm(0xf));
}

// What is seldom executed lies behind the function: zero for loads that faulted.
void Emitter::cold() {
  for (const Cold& c : cold_) {
    a_.bind(c.at);
    a_.mov(c.reg.x(), a64::xzr);
    a_.b(c.back);
  }
  cold_.clear();
}

}  // namespace osmia::jit::arm64
