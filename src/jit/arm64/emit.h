// The optimising tier's emitter: one function of SSA with places for its values becomes machine code.
// Invariants: x16 and x17 hold nothing between two nodes; flags hold nothing; sp is constant in the body.
// From sp upwards: saved registers, the allocator's words, the emitter's words, the program's stack (r10 is
// sp + frame_).
#pragma once
#include "jit/arm64/machine.h"
#include "jit/common/flat.h"
#include "jit/common/image_builder.h"

namespace osmia::jit::arm64 {

struct Move {
  Place to, from;
  s64 imm = 0;  // of a constant
};

class Emitter {
 public:
  Emitter(ImageBuilder& out, const std::vector<SubprogInfo>& info, asmjit::a64::Assembler& a)
      : out_(out), info_(info), a_(a) {}
  void function(Function& f, const Allocation& where);
  bool failed() const { return unknown_; }

 private:
  using Gp = asmjit::a64::Gp;
  using Mem = asmjit::a64::Mem;
  using Label = asmjit::Label;

  // emit.cpp
  void prologue();
  void epilogue();
  void node(Val v);
  void cold();

  // emit_alu.cpp
  bool field(Val v);
  void binary(Val v);
  void shift(Val v);
  void mul_high(Val v);
  void divide(Val v);
  void extend(Val v);
  // The right side of an operation: a register, or the shift folded into it.
  struct Right {
    Gp reg;
    asmjit::arm::Shift shift = asmjit::arm::lsl(0);
    bool shifted = false;
  };
  Right right(Val v, u8 width, const Gp& scratch);

  // emit_mem.cpp
  void load(Val v);
  void store(Val v);
  void atomic(Val v);
  bool pair(const Gp& reg, const Mem& m, u32 bytes, bool is_load);
  // The address of a load or store; may use x16, and x17 too unless it is kept.
  Mem address(const Node& n, bool keep_x17);

  // emit_flow.cpp
  void branch(Val v);
  // Compares and jumps where cc holds.
  void compare_and_jump(const Node& n, Cc cc, const Label& to);
  void call(Val v);
  void call_native(const void* fn);
  void tail_call(Val v);
  void may_goto(Val v);
  void exit(Val v);
  std::vector<Move> edge(u32 from, u32 to);
  bool hoistable(const std::vector<Move>& early, u32 other_block, const Node& n);
  u32 next_block(u32 b) const;

  // moves.cpp
  void moves(std::vector<Move> list);
  void move(const Move& m);
  // Where the operand of the current node is. A constant has its register only where an operand needed one.
  Place place(Val v) const;
  Move move_to(const Place& to, Val from) const;

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
  void load_imm(const Gp& to, u64 value);
  const Node& at(Val v) const { return f_->nodes[v]; }

  ImageBuilder& out_;
  const std::vector<SubprogInfo>& info_;
  asmjit::a64::Assembler& a_;
  Function* f_ = nullptr;
  const Allocation* where_ = nullptr;
  std::vector<Label> labels_;
  u32 block_ = 0, index_ = 0;
  Val now_ = kNoVal;                             // the node being emitted
  u32 frame_ = 0, stack_ = 0, saved_words_ = 0;  // bytes below the program's stack, all bytes, words
  std::vector<u8> saved_;
  u32 rounds_word_ = 0, counter_word_ = 0, ctx_word_ = 0;
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
  Access last_;           // the load or store just emitted
  bool unknown_ = false;  // a node that this CPU is never given
};

}  // namespace osmia::jit::arm64
