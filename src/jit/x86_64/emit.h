// The optimising tier's emitter: one function of SSA with places for its values becomes machine code.
// Invariants: r10 and r11 hold nothing between two nodes; flags hold nothing; rsp is constant in the body.
// From rsp upwards: the allocator's words, the emitter's words, the program's stack (r10 is rsp + frame_).
#pragma once
#include <asmjit/x86.h>

#include "jit/common/emitter_base.h"
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

class Emitter final : public EmitterBase {
 public:
  Emitter(ImageBuilder& out, const std::vector<SubprogInfo>& info, asmjit::x86::Assembler& a)
      : EmitterBase(out, info, a, machine()), a_(a) {}

 private:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;

  // emit.cpp
  void prologue() override;
  void epilogue() override;
  void begin_block(const Block& b) override;
  void constant(Val v) override;
  void barrier() override;
  void cold() override;
  bool has_cold() const override { return !cold_.empty(); }

  // emit_alu.cpp
  void binary(Val v) override;
  void shift(Val v) override;
  void mul_high(Val v) override;
  void divide(Val v) override;
  void extend(Val v) override;
  void lea(Val v) override;

  // emit_mem.cpp
  void load(Val v) override;
  void thread_word(Val v) override;
  void store(Val v) override;
  void update(Val v) override;
  void atomic(Val v) override;
  void fetch_loop(Val v, const Mem& m);
  // The address of a load, store or update; may use r10 and r11.
  Mem address(const Node& n);
  Gp written(const Node& n, Mem& m);
  // A value as the right-hand operand of an instruction: a register, its word, or the load folded into it.
  // Constants go through `scratch`.
  asmjit::Operand operand(Val v, u8 width, const Gp& scratch);

  // emit_flow.cpp
  void switch_on(Val v, const Table& t, const Label& table, const Label& other) override;
  void jump(const Label& to) override;
  void compare_and_jump(const Node& n, Cc cc, const Label& to) override;
  // Sets the flags; a left side that is in memory goes through `scratch` where it must. cc may change.
  void compare(const Node& n, Cc& cc, const Gp& scratch);
  void call_native(const void* fn) override;
  void call_subprog(u32 s) override;
  void tail_call(Val v) override;
  void count_round(const Label& stay) override;
  void ret() override;
  void trap() override { a_.ud2(); }
  void move(const Move& m) override;
  void callback_thunk(u32 s, bool counts) override;

  Gp gp(u8 r) const { return asmjit::x86::gpq(r); }
  Gp gp(u8 r, u8 width) const { return sized(gp(r), width); }
  static Gp sized(const Gp& r, u8 width) {
    return width == 64 ? Gp(r.r64()) : width == 32 ? Gp(r.r32()) : width == 16 ? Gp(r.r16()) : Gp(r.r8Lo());
  }
  Mem word(u32 slot, u32 bytes = 8) const {
    return asmjit::x86::ptr(asmjit::x86::rsp, static_cast<s32>(slot * 8), bytes);
  }
  // The value in a register: its own, or `scratch` (filled here).
  Gp use(Val v, const Gp& scratch);
  // Where the result is computed: its own register, or `scratch`; done() stores it.
  Gp target(Val v, const Gp& scratch) const;
  void done(Val v, const Gp& reg);

  asmjit::x86::Assembler& a_;
  u32 frame_ = 0, saved_ = 0;
  struct Cold {
    enum Kind : u8 { kFault, kZero, kMinusOne } kind;
    Label at, back;
    Val v;
    Gp reg, dividend;
  };
  std::vector<Cold> cold_;
};

}  // namespace osmia::jit::x86_64
