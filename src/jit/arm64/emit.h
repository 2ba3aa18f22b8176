// The optimising tier's emitter: one function of SSA with places for its values becomes machine code.
// Invariants: x16 and x17 hold nothing between two nodes; flags hold nothing; sp is constant in the body.
// From sp upwards: saved registers, the allocator's words, the emitter's words, the program's stack (r10 is
// sp + frame_).
#pragma once
#include "jit/arm64/machine.h"
#include "jit/common/emitter_base.h"

namespace osmia::jit::arm64 {

class Emitter final : public EmitterBase {
 public:
  Emitter(ImageBuilder& out, const std::vector<SubprogInfo>& info, asmjit::a64::Assembler& a)
      : EmitterBase(out, info, a, machine()), a_(a) {}

 private:
  using Gp = asmjit::a64::Gp;
  using Mem = asmjit::a64::Mem;

  // emit.cpp
  void prologue() override;
  void epilogue() override;
  void begin_block(const Block& b) override;
  void constant(Val v) override;
  void barrier() override;
  void cold() override;
  bool has_cold() const override { return !cold_.empty(); }

  // emit_alu.cpp
  bool field(Val v);
  void binary(Val v) override;
  void shift(Val v) override;
  void mul_high(Val v) override;
  void divide(Val v) override;
  void extend(Val v) override;
  // The right side of an operation: a register, or the shift folded into it.
  struct Right {
    Gp reg;
    asmjit::arm::Shift shift = asmjit::arm::lsl(0);
    bool shifted = false;
  };
  Right right(Val v, u8 width, const Gp& scratch);

  // emit_mem.cpp
  void load(Val v) override;
  void thread_word(Val v) override;
  void store(Val v) override;
  void atomic(Val v) override;
  bool pair(const Gp& reg, const Mem& m, u32 bytes, bool is_load);
  // The address of a load or store; may use x16, and x17 too unless it is kept.
  Mem address(const Node& n, bool keep_x17);

  // emit_flow.cpp
  void switch_on(Val v, const Table& t, const Label& table, const Label& other) override;
  void jump(const Label& to) override;
  void compare_and_jump(const Node& n, Cc cc, const Label& to) override;
  void call_native(const void* fn) override;
  void call_subprog(u32 s) override;
  void tail_call(Val v) override;
  void count_round(const Label& stay) override;
  void ret() override;
  void trap() override { a_.brk(asmjit::imm(0)); }
  void move(const Move& m) override;
  void callback_thunk(u32 s, bool counts) override;

  Gp gp(u32 r) const { return asmjit::a64::x(r); }
  Gp gp(u32 r, u8 width) const { return sized(gp(r), width); }
  static Gp sized(const Gp& r, u8 width) { return width == 64 ? Gp(r.x()) : Gp(r.w()); }
  Mem word(u32 slot) const {
    return asmjit::a64::ptr(asmjit::a64::sp, static_cast<s32>((slot + saved_words_) * 8));
  }
  // The value in a register: its own, or `scratch` (filled here).
  Gp use(Val v, const Gp& scratch);
  Gp use_or_zero(Val v, const Gp& scratch);  // the same; the register of zeros for zero
  // Where the result is computed: its own register, or `scratch`; done() stores it.
  Gp target(Val v, const Gp& scratch) const;
  void done(Val v, const Gp& reg);

  asmjit::a64::Assembler& a_;
  u32 frame_ = 0, stack_ = 0, saved_words_ = 0;  // bytes below the program's stack, all bytes, words
  std::vector<u8> saved_;
  struct Cold {
    Label at, back;
    Gp reg;
  };
  std::vector<Cold> cold_;
  struct Access {
    u32 end = ~0u, block = 0;  // where the next instruction goes
    u32 bytes = 0;
    bool is_load = false;
    Gp reg;
    u32 base = 0;
    s32 off = 0;
  };
  Access last_;  // the load or store just emitted
};

}  // namespace osmia::jit::arm64
