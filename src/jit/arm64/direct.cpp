// Frames: [x29 - stack, x29) is the BPF stack, below it the saved
// registers and the tier's own words.
#include "jit/arm64/direct.h"

#include "base/bits.h"
#include "jit/arm64/machine.h"
#include "jit/common/target.h"

namespace osmia::jit::arm64 {

using namespace isa;
using namespace asmjit;

Direct::Direct(const rewrite::ExecProgram& program, const Options& options) : DirectBase(program, options) {
  out_.code.attach(&a_);
}

Result<std::shared_ptr<const Image>> Direct::compile() {
  OSMIA_TRY(program(a_));
  if (a_.offset() >= kMaxCode)
    return Error{EOPNOTSUPP, "JIT: too much code for this CPU's conditional jumps"};
  return out_.finish();
}

Direct::Gp Direct::reg(u8 r) const {
  static constexpr Gp kRegs[] = {a64::x7,  a64::x0,  a64::x1,  a64::x2,  a64::x3,  a64::x4,
                                 a64::x19, a64::x20, a64::x21, a64::x22, a64::x29, a64::x23};
  return kRegs[r];
}

void Direct::trap() {
  a_.brk(imm(0));
}
void Direct::arena_address(u8 r) {
  load_constant(a_, a64::x9, reinterpret_cast<u64>(p_.arena->base));
  a_.mov(reg32(kAx), reg32(r));
  a_.add(reg(kAx), reg(kAx), a64::x9);
}
void Direct::blinded(u8 r, u64 value, u64 key) {
  load_constant(a_, reg(r), value ^ key);
  load_constant(a_, a64::x9, key);
  a_.eor(reg(r), reg(r), a64::x9);
}
void Direct::immediate(u8 r, u64 value) {
  load_constant(a_, reg(r), value);
}

void Direct::prologue(u32 s) {
  const auto& sub = p_.subprogs[s];
  const u16 used = used_registers(s);
  bool rounds = false;
  for (u32 i = sub.start; i < sub.end; i++) rounds |= p_.insns[i].code == (kJmp | kJcond);
  saved_.clear();
  for (const u8 r : {kR6, kR7, kR8, kR9, kAx})
    if (used >> r & 1) saved_.push_back(r);
  u32 words = static_cast<u32>(saved_.size());
  auto word_at = [&](bool wanted) { return wanted ? words++ * 8 : 0; };
  rounds_at_ = word_at(rounds);
  counter_at_ = word_at(passes_counter_);
  ctx_at_ = word_at(passes_counter_);
  frame_ = static_cast<u32>(align_up(words * 8 + align_up(sub.stack_bytes, 8), 16));

  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[s]);
  out_.unwind.function(a_.offset());
  a_.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -16));
  a_.mov(a64::x29, a64::sp);
  out_.unwind.frame(a_.offset(), 29, 16);
  out_.unwind.saved(a_.offset(), 29, 16);
  out_.unwind.saved(a_.offset(), 30, 8);
  if (frame_) add_constant(a_, a64::sp, a64::sp, -static_cast<s64>(frame_), a64::x9);
  for (u32 k = 0; k < saved_.size(); k++) {
    a_.str(reg(saved_[k]), word(k * 8));
    out_.unwind.saved(a_.offset(), dwarf_reg(reg(saved_[k]).id()), 16 + frame_ - k * 8);
  }
  if (rounds) a_.str(a64::xzr, word(rounds_at_));
  if (passes_counter_) a_.str(a64::x5, word(counter_at_));
}

void Direct::epilogue() {
  for (u32 k = 0; k < saved_.size(); k++) a_.ldr(reg(saved_[k]), word(k * 8));
  a_.mov(a64::sp, a64::x29);
  a_.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 16));
  out_.unwind.frame(a_.offset(), kDwarfSp, 0);
}

void Direct::callback_thunk(u32 s) {
  emit_callback_thunk(out_, a_, s, passes_counter_);
}

}  // namespace osmia::jit::arm64

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_direct(const rewrite::ExecProgram& program,
                                                    const Options& options) {
  return arm64::Direct(program, options).compile();
}

}  // namespace osmia::jit::target
