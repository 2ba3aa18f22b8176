// The direct tier: each BPF instruction by itself, each BPF register in a host register of its own.
// Invariants: between two BPF instructions every BPF register is where reg() says, results of 32-bit
// operations are zero-extended, x9 to x17 hold nothing, and sp is a multiple of 16.
#pragma once
#include "jit/arm64/asmjit_a64.h"

#include "jit/common/direct_base.h"

namespace osmia::jit::arm64 {

class Direct final : public DirectBase {
 public:
  Direct(const rewrite::ExecProgram& program, const Options& options);
  Result<std::shared_ptr<const Image>> compile();

 private:
  using Gp = asmjit::a64::Gp;
  using Mem = asmjit::a64::Mem;

  void prologue(u32 s) override;  // direct.cpp
  void epilogue();                // all but the return
  void callback_thunk(u32 s) override;
  void trap() override;
  void immediate(u8 r, u64 value) override;

  void arena_address(u8 r) override;
  Status alu(const isa::Insn& in) override;  // direct_alu.cpp
  void endian(const isa::Insn& in);
  void divide(const isa::Insn& in, bool wide);
  Status memory(const isa::Insn& in) override;  // direct_mem.cpp
  Status atomic(const isa::Insn& in);
  Status branch(const isa::Insn& in, const asmjit::Label& target) override;  // direct_flow.cpp
  void go(const asmjit::Label& target) override;
  void go_if_set(s32 thread_word, const asmjit::Label& target) override;
  void may_goto(const asmjit::Label& target) override;
  void call_subprog(u32 s) override;
  void call_native(const void* fn) override;
  void tail_call() override;
  void leave() override;

  Gp reg(u8 r) const;
  Gp reg32(u8 r) const { return reg(r).w(); }
  Gp reg(u8 r, bool wide) const { return wide ? reg(r) : reg(r).w(); }
  // The address as a load or store of so many bytes takes it; far offsets go through x9.
  Mem at(u8 base, s16 off, u32 bytes);
  Mem word(u32 at) const { return asmjit::a64::ptr(asmjit::a64::sp, static_cast<s32>(at)); }
  // The second operand of an ALU operation or comparison in a register: the register itself, or the immediate
  // in x9.
  Gp operand(const isa::Insn& in, bool wide);

  asmjit::a64::Assembler a_;

  // The frame of the subprogram being emitted, offsets from sp.
  u32 frame_ = 0;
  std::vector<u8> saved_;  // BPF registers that it saves, from sp upwards
  u32 counter_at_ = 0, ctx_at_ = 0, rounds_at_ = 0;
};

}  // namespace osmia::jit::arm64
