// Frames and what is around a function's nodes.
#include "jit/x86_64/emit.h"

#include "base/bits.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

Emitter::Gp Emitter::use(Val v, const Gp& scratch) {
  const Place p = place(v);
  if (p.kind == Place::kReg) return gp(p.reg);
  const Gp to = scratch.r64();
  move({{Place::kReg, static_cast<u8>(to.id()), 0}, p, f_->is_const(v) ? at(v).imm : 0});
  return to;
}

Emitter::Gp Emitter::target(Val v, const Gp& scratch) const {
  const Place p = place(v);
  return p.kind == Place::kReg ? gp(p.reg) : Gp(scratch.r64());
}
void Emitter::done(Val v, const Gp& reg) {
  const Place p = place(v);
  if (p.kind == Place::kSlot) a_.mov(word(p.slot), reg.r64());
}

void Emitter::prologue() {
  saved_ = where_->used_regs & kCalleeSaved;
  const u32 words = frame_words();
  const u32 pushes = static_cast<u32>(__builtin_popcount(saved_));
  frame_ = words * 8 + static_cast<u32>(align_up(f_->stack_bytes, 8));
  if (f_->has_calls && (frame_ + pushes * 8 + 8) % 16) frame_ += 8;

  a_.align(AlignMode::kCode, 16);
  note_code();
  a_.bind(out_.entries[f_->subprog]);
  out_.unwind.function(a_.offset());
  u32 bytes = kDwarfFrameAtCall;
  for (u8 r = 0; r < 16; r++) {
    if (!(saved_ >> r & 1)) continue;
    a_.push(gp(r));
    out_.unwind.frame(a_.offset(), kDwarfSp, bytes += 8);
    out_.unwind.saved(a_.offset(), dwarf_reg(r), bytes);
  }
  if (frame_) a_.sub(x86::rsp, frame_);
  out_.unwind.frame(a_.offset(), kDwarfSp, bytes + frame_);
  if (f_->has_may_goto) a_.mov(word(rounds_word_), 0);
  if (f_->has_tail_call) a_.mov(word(counter_word_), x86::r9);
}

void Emitter::epilogue() {
  u32 bytes = kDwarfFrameAtCall + 8 * static_cast<u32>(__builtin_popcount(saved_));
  if (frame_) a_.add(x86::rsp, frame_);
  out_.unwind.frame(a_.offset(), kDwarfSp, bytes);
  for (u8 r = 16; r-- > 0;) {
    if (!(saved_ >> r & 1)) continue;
    a_.pop(gp(r));
    out_.unwind.frame(a_.offset(), kDwarfSp, bytes -= 8);
  }
}

void Emitter::begin_block(const Block& b) {
  if (b.align) a_.align(AlignMode::kCode, b.align);
}
void Emitter::constant(Val v) {
  load_constant(a_, gp(where_->place[v].reg), static_cast<u64>(at(v).imm));
}
void Emitter::barrier() {
  a_.lfence();
}

// What is seldom executed lies behind the function: zero for loads that faulted, division by zero and by -1.
void Emitter::cold() {
  for (const Cold& c : cold_) {
    a_.bind(c.at);
    const Node& n = at(c.v);
    const Gp d = n.width == 64 ? Gp(c.reg.r64()) : Gp(c.reg.r32());
    const bool modulo = n.op == Op::kMod || n.op == Op::kSmod;
    const Gp x = n.width == 64 ? Gp(c.dividend.r64()) : Gp(c.dividend.r32());
    if (c.kind == Cold::kFault || (c.kind == Cold::kZero && !modulo) ||
        (c.kind == Cold::kMinusOne && modulo)) {
      a_.xor_(d.r32(), d.r32());
    } else {
      a_.mov(d, x);
      if (c.kind == Cold::kMinusOne) a_.neg(d);
    }
    a_.jmp(c.back);
  }
  cold_.clear();
}

}  // namespace osmia::jit::x86_64
