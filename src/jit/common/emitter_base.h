// What the emitters of the optimising tier share on every CPU: the walk over a function, where operands are,
// moves that happen at once, the moves on edges. A CPU's Emitter writes the code of each node. Invariants:
// between two nodes the emitter's own registers (Machine::cycle_reg among them) and the flags hold nothing.
#pragma once
#include "jit/common/allocate.h"
#include "jit/common/flat.h"
#include "jit/common/image_builder.h"

namespace osmia::jit {

struct Move {
  Place to, from;
  s64 imm = 0;  // of a constant
};

class EmitterBase {
 public:
  virtual ~EmitterBase() = default;

  // Emits every function of the program and the thunks of its callbacks; `fold`: what this CPU's instructions
  // take together. Errors: EINVAL, EOPNOTSUPP (the direct tier may take it).
  Status program(void (*fold)(Function&));

 protected:
  using Label = asmjit::Label;
  EmitterBase(ImageBuilder& out, const std::vector<SubprogInfo>& info, asmjit::BaseAssembler& a,
              const Machine& machine)
      : out_(out), info_(info), base_(a), machine_(machine) {}

  // -- what a CPU writes
  virtual void prologue() = 0;  // all but the moves of arguments
  virtual void epilogue() = 0;  // all but the return
  virtual void begin_block(const Block&) {}
  virtual void constant(Val v) = 0;  // into its register
  virtual void binary(Val v) = 0;
  virtual void shift(Val v) = 0;
  virtual void mul_high(Val v) = 0;
  virtual void divide(Val v) = 0;
  virtual void extend(Val v) = 0;
  virtual void load(Val v) = 0;
  virtual void thread_word(Val v) = 0;
  virtual void store(Val v) = 0;
  virtual void atomic(Val v) = 0;
  virtual void barrier() = 0;
  virtual void lea(Val) { unknown_ = true; }     // only where `fold` makes them
  virtual void update(Val) { unknown_ = true; }  //
  virtual void tail_call(Val v) = 0;
  virtual void call_native(const void* fn) = 0;
  virtual void call_subprog(u32 s) = 0;
  // `table` holds distances from itself, 4 bytes each: to the value's, or to `other` for a value without one,
  // if the table is checked.
  virtual void switch_on(Val v, const Table& t, const Label& table, const Label& other) = 0;
  virtual void jump(const Label& to) = 0;
  virtual void compare_and_jump(const Node& n, Cc cc, const Label& to) = 0;  // where cc holds
  virtual void count_round(const Label& stay) = 0;  // of may_goto; to `stay` unless all are used up
  virtual void ret() = 0;
  virtual void trap() = 0;  // stands for a subprogram that nobody calls
  virtual void move(const Move& m) = 0;
  virtual void cold() = 0;  // what is seldom executed lies behind the function
  virtual bool has_cold() const = 0;
  // How helpers call subprogram s: call(object, a1 … a5). Where it `counts` tail calls, it has a count of its
  // own.
  virtual void callback_thunk(u32 s, bool counts) = 0;

  // -- for them
  static bool same(const Place& a, const Place& b) {
    return a.kind == b.kind &&
           ((a.kind == Place::kReg && a.reg == b.reg) || (a.kind == Place::kSlot && a.slot == b.slot));
  }
  const Node& at(Val v) const { return f_->nodes[v]; }
  // Where the operand of the current node is. A constant has its register only where an operand needed one.
  Place place(Val v) const;
  Move move_to(const Place& to, Val from) const;
  // All at once: each destination is written when nobody needs its old value any more; cycles go through
  // Machine::cycle_reg.
  void moves(std::vector<Move> list);
  // The allocator's words and behind them the emitter's own (rounds_word_ …): how many.
  u32 frame_words();
  // The instruction at `start`, just emitted, does nothing where it faults.
  void skip_fault(const Node& n, u32 start) {
    if (!(n.flags & kProbe)) return;
    const Label behind = base_.newLabel();
    base_.bind(behind);
    out_.faults.push_back({start, behind, (n.flags & kArena) != 0});
  }
  void note_code() { out_.map.push_back({static_cast<u32>(base_.offset()), kNoInsn}); }  // of no instruction

  ImageBuilder& out_;
  const std::vector<SubprogInfo>& info_;
  asmjit::BaseAssembler& base_;
  const Machine& machine_;
  Function* f_ = nullptr;
  const Allocation* where_ = nullptr;
  u32 block_ = 0, index_ = 0;
  Val now_ = kNoVal;  // the node being emitted
  u32 rounds_word_ = 0, counter_word_ = 0, ctx_word_ = 0;
  bool unknown_ = false;  // a node that this CPU is never given

 private:
  void function(Function& f, const Allocation& where);
  void take_arguments();
  void node(Val v);
  void branch(Val v);
  void call(Val v);
  std::vector<Move> edge(u32 from, u32 to);
  bool hoistable(const std::vector<Move>& early, u32 other_block, const Node& n);
  u32 next_block(u32 b) const;
  void find_ways();
  bool emitted(u32 b) const;

  struct EmittedTable {
    Label label;
    u32 table;
  };
  std::vector<EmittedTable> tables_;  // behind the function
  std::vector<Label> labels_;
  std::vector<u32> way_;  // by block: itself, or the block that it does nothing but go on to
};

}  // namespace osmia::jit
