// One run of a CheckedProgram. Private to machine*.cpp and checked_program.cpp.
#pragma once
#include "checked_program.h"
#include "membership.h"

namespace osmia::soundness {

class Machine {
 public:
  Machine(CheckedProgram& program, void* ctx);

  u64 run();                                                        // from the entry
  u64 callback(const rewrite::BpfCallback& cb, const u64 args[5]);  // a helper calls back
  static Machine* current();                                        // the calling thread's innermost, or null
  bool stopped() const { return stopped_; }
  bool was_cut() const { return cut_; }

 private:
  // The part of the run that one verification speaks of: its frames and where it is in the graph.
  struct Walk {
    std::vector<ConcreteFrame*> frames;
    u32 node = 0;
    std::vector<u32> parts;  // of the node's state, where the verifier split it, those that hold this run
  };
  friend class CheckedProgram;

  // -- following the graph (machine_walk.cpp)
  bool start_walk(Walk& walk, u32 subprog);
  bool advance(u32 pc);  // the state is complete: where in the graph is it now?
  bool settle(u32 node, const std::array<Places, kMaxFrames>& bad, bool keep_unread);
  bool follow_covers();
  void find_parts();
  void violation(std::string what);
  void refresh_surroundings();
  const Node& at() const;
  ConcreteFrame& top() { return *walk_->frames.back(); }
  const RegState& claim(u32 reg) const { return at().frames[at().depth]->regs[reg]; }

  // -- executing (machine.cpp)
  u64 run_frame(u32 pc);
  bool step(u32 pc, u32* next);  // false: stopped
  void push_frame(u32 subprog);
  std::unique_ptr<ConcreteFrame> pop_frame();
  bool call_subprog(u32 pc, u32* next);
  bool call_helper(u32 pc, u32* next);
  bool load_packet(u32 pc, u32* next);
  bool conditional(u32 pc, u32* next);
  void alu(const isa::Insn& in);
  bool ld_imm64(u32 pc);
  // -- memory (machine_memory.cpp)
  bool load(u32 pc);
  bool store(u32 pc);
  bool atomic(u32 pc);
  bool check_frame(u32 reg, u64 address, u32 bytes);
  bool check_access(u32 reg, u64 address, u32 bytes);
  bool check_helper_memory(u32 pc);
  u64 load_context(const contract::CtxField& f, u64 ctx, s32 off, u32 bytes) const;
  bool store_context(const contract::CtxField& f, u64 ctx, s32 off, u32 bytes, u64 value, bool immediate);
  ConcreteFrame* frame_of(u64 address, u32 bytes);
  void note_stored(u64 address, u32 bytes, u64 value, const Origin& from, bool loose);
  bool stack_loose(u64 address, u32 bytes, bool* unread);

  bool use(u32 reg);  // a register is read: must not be one that verification found unread
  bool is_loose(u32 reg) { return top().loose.regs >> reg & 1; }
  void set(u32 reg, u64 bits, const Origin& from, bool loose);
  void clobber_arguments();

  CheckedProgram& p_;
  const verifier::Facts& facts_;
  Surroundings around_;
  std::vector<std::unique_ptr<ConcreteFrame>> all_frames_;
  Walk* walk_ = nullptr;
  u64 left_;
  bool stopped_ = false, cut_ = false, implicit_exit_ = false;
  u32 pc_ = 0;
  Machine* outer_;
};

}  // namespace osmia::soundness
