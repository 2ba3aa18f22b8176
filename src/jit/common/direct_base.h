// What the direct tiers share on every CPU: the walk over a program, one BPF instruction by itself. A CPU's
// Direct writes the code of each. Invariant: between two BPF instructions every BPF register is in a host
// register of its own.
#pragma once
#include "jit/common/image_builder.h"

namespace osmia::jit {

class DirectBase {
 public:
  virtual ~DirectBase() = default;

 protected:
  DirectBase(const rewrite::ExecProgram& program, const Options& options)
      : out_(program, options, Tier::kDirect), p_(program), passes_counter_(out_.image->makes_tail_calls()) {}

  // Emits every subprogram and the thunks of callbacks. Errors: EINVAL for what no engine knows, EOPNOTSUPP.
  Status program(asmjit::BaseAssembler& a);

  // -- what a CPU writes. A Status without a text: no engine knows this instruction
  virtual void prologue(u32 s) = 0;
  virtual void callback_thunk(u32 s) = 0;
  virtual void trap() = 0;  // where execution cannot come
  virtual void immediate(u8 reg, u64 value) = 0;
  virtual void arena_address(u8 reg) = 0;  // AX = the address of the arena's byte that its lower half names
  virtual Status alu(const isa::Insn& in) = 0;
  virtual Status memory(const isa::Insn& in) = 0;
  virtual Status branch(const isa::Insn& in, const asmjit::Label& target) = 0;  // conditional
  virtual void go(const asmjit::Label& target) = 0;
  virtual void go_if_set(s32 thread_word, const asmjit::Label& target) = 0;
  virtual void may_goto(const asmjit::Label& target) = 0;
  virtual void call_subprog(u32 s) = 0;
  virtual void call_native(const void* fn) = 0;
  virtual void tail_call() = 0;
  virtual void leave() = 0;  // the epilogue and the return

  // What the CPU's memory() says where it touches memory. A fault is good if the instruction probes; then
  // nothing happens (a load's result is zeroed by its own code).
  void skip_fault(u32 start);
  bool in_arena() const { return in_arena_; }
  // BPF registers that subprogram s uses, a bit each.
  u16 used_registers(u32 s) const;

  ImageBuilder out_;
  const rewrite::ExecProgram& p_;
  const bool passes_counter_;  // of tail calls

 private:
  Status subprog(u32 s);
  Status insn(u32 i);
  Status jump(u32 i, const isa::Insn& in);
  Status arena_access(const isa::Insn& in);
  Status user_address(const isa::Insn& in);
  Status call(u32 i, const isa::Insn& in);
  Error bad(u32 i) const;
  asmjit::Label label_of(s64 insn);  // invalid: outside the program
  void note_code(u32 insn) { out_.map.push_back({static_cast<u32>(base_->offset()), insn}); }

  // A jump to where an exception leaves the subprogram.
  const asmjit::Label& unwind();

  asmjit::BaseAssembler* base_ = nullptr;
  bool in_arena_ = false;              // the access being emitted
  bool throws_ = false;                // some instruction of the program does
  asmjit::Label unwind_;               // of the subprogram being emitted; invalid: nothing goes there
  std::vector<asmjit::Label> labels_;  // by instruction; invalid: nothing jumps there
};

}  // namespace osmia::jit
