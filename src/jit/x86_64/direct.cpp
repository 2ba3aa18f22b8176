// Frames: [rbp - stack, rbp) is the BPF stack, below it the saved
// registers and the tier's own words.
#include "jit/x86_64/direct.h"

#include "base/bits.h"
#include "jit/common/target.h"
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

using namespace isa;
using namespace asmjit;

Direct::Direct(const rewrite::ExecProgram& program, const Options& options) : DirectBase(program, options) {
  out_.code.attach(&a_);
}

Result<std::shared_ptr<const Image>> Direct::compile() {
  OSMIA_TRY(program(a_));
  return out_.finish();
}

Direct::Gp Direct::reg(u8 r) const {
  static constexpr Gp kRegs[] = {x86::rax, x86::rdi, x86::rsi, x86::rdx, x86::rcx, x86::r8,
                                 x86::rbx, x86::r13, x86::r14, x86::r15, x86::rbp, x86::r12};
  return kRegs[r];
}

void Direct::trap() {
  a_.ud2();
}
void Direct::arena_address(u8 r) {
  a_.mov(reg32(kAx), reg32(r));
  a_.mov(x86::r11, reinterpret_cast<u64>(p_.arena->base));
  a_.add(reg(kAx), x86::r11);
}
void Direct::blinded(u8 r, u64 value, u64 key) {
  load_constant(a_, reg(r), value ^ key);
  load_constant(a_, x86::r11, key);
  a_.xor_(reg(r), x86::r11);
}
void Direct::immediate(u8 r, u64 value) {
  load_constant(a_, reg(r), value);
}

void Direct::prologue(u32 s) {
  const auto& sub = p_.subprogs[s];
  const u16 used = used_registers(s);
  bool rounds = false;
  for (u32 i = sub.start; i < sub.end; i++) rounds |= p_.insns[i].code == (kJmp | kJcond);
  saved_ = used & (1u << kR6 | 1u << kR7 | 1u << kR8 | 1u << kR9 | 1u << kAx);
  s32 at = -static_cast<s32>(align_up(sub.stack_bytes, 8));
  auto word = [&] { return at -= 8; };
  saved_at_ = at;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) word();
  rounds_at_ = rounds ? word() : 0;
  counter_at_ = passes_counter_ ? word() : 0;
  ctx_at_ = passes_counter_ ? word() : 0;
  frame_ = static_cast<u32>(align_up(static_cast<u64>(-at), 16));

  a_.align(AlignMode::kCode, 16);
  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[s]);
  constexpr u8 kRbp = dwarf_reg(x86::Gp::kIdBp);
  constexpr u32 kCallerFrame = 16;  // the return address and rbp
  out_.unwind.function(a_.offset());
  a_.push(x86::rbp);
  out_.unwind.frame(a_.offset(), kDwarfSp, kCallerFrame);
  out_.unwind.saved(a_.offset(), kRbp, kCallerFrame);
  a_.mov(x86::rbp, x86::rsp);
  out_.unwind.frame(a_.offset(), kRbp, kCallerFrame);
  if (frame_) a_.sub(x86::rsp, frame_);
  s32 slot = saved_at_;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) {
      a_.mov(x86::qword_ptr(x86::rbp, slot -= 8), reg(r));
      out_.unwind.saved(a_.offset(), dwarf_reg(reg(r).id()), kCallerFrame + static_cast<u32>(-slot));
    }
  if (rounds) a_.mov(x86::dword_ptr(x86::rbp, rounds_at_), 0);
  if (passes_counter_) a_.mov(x86::qword_ptr(x86::rbp, counter_at_), x86::r9);
}

void Direct::epilogue() {
  s32 slot = saved_at_;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) a_.mov(reg(r), x86::qword_ptr(x86::rbp, slot -= 8));
  a_.leave();
  out_.unwind.frame(a_.offset(), kDwarfSp, kDwarfFrameAtCall);
}

void Direct::callback_thunk(u32 s) {
  emit_callback_thunk(out_, a_, s, passes_counter_);
}

}  // namespace osmia::jit::x86_64

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_direct(const rewrite::ExecProgram& program,
                                                    const Options& options) {
  return x86_64::Direct(program, options).compile();
}

}  // namespace osmia::jit::target
