// The direct tier: each BPF instruction by itself, each BPF register in a host register of its own.
// Invariants: between two BPF instructions every BPF register is where reg() says, results of 32-bit
// operations are zero-extended, r9 to r11 hold nothing, and rsp is a multiple of 16.
#pragma once
#include <asmjit/x86.h>

#include "jit/common/image_builder.h"

namespace osmia::jit::x86_64 {

class Direct {
 public:
  Direct(const rewrite::ExecProgram& program, const Options& options);
  Result<std::shared_ptr<const Image>> compile();

 private:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;

  Status subprog(u32 s);  // direct.cpp
  Status insn(u32 i);
  void prologue(u32 s);
  void epilogue();  // all but the return
  void callback_thunk(u32 s);

  Status alu(const isa::Insn& in);  // direct_alu.cpp
  void endian(const isa::Insn& in);
  void shift(const isa::Insn& in, bool wide);
  void divide(const isa::Insn& in, bool wide);
  Status memory(const isa::Insn& in);  // direct_mem.cpp
  Status atomic(const isa::Insn& in);
  void fetch_loop(const isa::Insn& in, const Mem& m, bool wide);
  Status jump(u32 i, const isa::Insn& in);  // direct_flow.cpp
  Status call(u32 i, const isa::Insn& in);
  void tail_call();
  void may_goto(asmjit::Label target);
  void call_native(const void* fn);

  Gp reg(u8 r) const;
  Gp reg32(u8 r) const { return reg(r).r32(); }
  Gp reg(u8 r, bool wide) const { return wide ? reg(r) : reg(r).r32(); }
  Mem at(u8 base, s16 off, u32 bytes) const;
  // An immediate that may not appear in the code as it is, or does not fit: through `scratch`.
  void load_imm(const Gp& to, u64 value);
  Error bad(u32 i) const;
  asmjit::Label label_of(s64 insn);

  ImageBuilder out_;
  asmjit::x86::Assembler a_;
  const rewrite::ExecProgram& p_;
  std::vector<asmjit::Label> labels_;  // by instruction; invalid: nothing jumps there
  u32 now_ = 0;                        // instruction being emitted

  // The frame of the subprogram being emitted, offsets from rbp.
  u32 frame_ = 0;
  u16 saved_ = 0;  // BPF registers that it saves
  s32 saved_at_ = 0, counter_at_ = 0, ctx_at_ = 0, rounds_at_ = 0;
  bool passes_counter_ = false, bmi2_ = false;
};

}  // namespace osmia::jit::x86_64
