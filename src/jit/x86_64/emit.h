// The optimising tier's emitter: one function of SSA with places for its values becomes machine code.
// Invariants: r10 and r11 hold nothing between two nodes; flags hold nothing; rsp is constant in the body.
// From rsp upwards: the allocator's words, the emitter's words, the program's stack (r10 is rsp + frame_).
#pragma once
#include <asmjit/x86.h>

#include "jit/common/flat.h"
#include "jit/common/image_builder.h"
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

struct Move {
  Place to, from;
  s64 imm = 0;  // of a constant
};

class Emitter {
 public:
  Emitter(ImageBuilder& out, const std::vector<SubprogInfo>& info, asmjit::x86::Assembler& a)
      : out_(out), info_(info), a_(a) {}
  void function(Function& f, const Allocation& where);

 private:
  using Gp = asmjit::x86::Gp;
  using Mem = asmjit::x86::Mem;
  using Label = asmjit::Label;

  // emit.cpp
  void prologue();
  void epilogue();
  void node(Val v);
  void cold();

  // emit_alu.cpp
  void binary(Val v);
  void shift(Val v);
  void mul_high(Val v);
  void divide(Val v);
  void extend(Val v);
  void lea(Val v);

  // emit_mem.cpp
  void load(Val v);
  void store(Val v);
  void update(Val v);
  void atomic(Val v);
  void fetch_loop(Val v, const Mem& m);
  // The address of a load, store or update; may use r10 and r11.
  Mem address(const Node& n);
  // A value as the right-hand operand of an instruction: a register, its word, or the load folded into it.
  // Constants go through `scratch`.
  asmjit::Operand operand(Val v, u8 width, const Gp& scratch);

  // emit_flow.cpp
  void branch(Val v);
  // Sets the flags; a left side that is in memory goes through `scratch` where it must. cc may change.
  void compare(const Node& n, Cc& cc, const Gp& scratch);
  void jump_if(Cc cc, const Label& to);
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

  Gp gp(u8 r) const { return asmjit::x86::gpq(r); }
  Gp gp(u8 r, u8 width) const { return width == 64 ? Gp(asmjit::x86::gpq(r)) : Gp(asmjit::x86::gpd(r)); }
  Mem word(u32 slot, u32 bytes = 8) const {
    return asmjit::x86::ptr(asmjit::x86::rsp, static_cast<s32>(slot * 8), bytes);
  }
  // The value in a register: its own, or `scratch` (filled here).
  Gp use(Val v, const Gp& scratch);
  // Where the result is computed: its own register, or `scratch`; done() stores it.
  Gp target(Val v, const Gp& scratch) const;
  void done(Val v, const Gp& reg);
  void load_imm(const Gp& to, u64 value);
  const Node& at(Val v) const { return f_->nodes[v]; }

  ImageBuilder& out_;
  const std::vector<SubprogInfo>& info_;
  asmjit::x86::Assembler& a_;
  Function* f_ = nullptr;
  const Allocation* where_ = nullptr;
  std::vector<Label> labels_;
  u32 block_ = 0, index_ = 0;
  Val now_ = kNoVal;  // the node being emitted
  u32 frame_ = 0, saved_ = 0;
  u32 rounds_word_ = 0, counter_word_ = 0, ctx_word_ = 0;
  struct Cold {
    enum Kind : u8 { kFault, kZero, kMinusOne } kind;
    Label at, back;
    Val v;
    Gp reg, dividend;
  };
  std::vector<Cold> cold_;
};

}  // namespace osmia::jit::x86_64
