// The generator's own parts: what it believes of registers and stack while it writes code, and the writer.
// Beliefs only steer; they need not be right.
#pragma once
#include <bitset>

#include "generator.h"

namespace osmia::fuzz {

using isa::Insn;

enum class Kind : u8 { kNone, kScalar, kCtx, kMem };

// A register. Memory: `size` bytes may be accessed from here on.
struct Reg {
  Kind kind = Kind::kNone;
  u32 size = 0;
  bool stack = false, packet = false, writable = true;  // stack: accesses must be aligned
  bool operator==(const Reg&) const = default;
};

struct Belief {
  Reg r[11];
  std::bitset<512> init;  // stack bytes written, [0] is the lowest
  Reg slot[64];           // pointers spilled; [0] is the lowest
  void meet(const Belief& o);
};

struct Signature {
  std::vector<Reg> args;
  bool callback = false, global = false;
};

class Writer {
 public:
  Writer(Choices& choices, const GeneratorOptions& options) : c(choices), o(options) {}
  Program write();

 private:
  // -- emitting
  void emit(Insn in) { p.insns.push_back(in); }
  u32 here() const { return static_cast<u32>(p.insns.size()); }
  bool full() const { return here() >= o.max_insns; }
  void alu(u8 op, u32 dst, s32 imm, bool wide = true);
  void alu_reg(u8 op, u32 dst, u32 src, bool wide = true, s16 off = 0);
  void mov(u32 dst, s32 imm) { alu(isa::kMov, dst, imm); }
  void mov_reg(u32 dst, u32 src) { alu_reg(isa::kMov, dst, src); }
  void load(u32 dst, u32 src, s32 off, u32 bytes, bool sign = false);
  void store(u32 dst, s32 off, u32 src, u32 bytes);
  void store_imm(u32 dst, s32 off, s32 imm, u32 bytes);
  void ld_imm64(u32 dst, u32 src, u32 imm, u32 high = 0);
  void call(s32 helper);
  u32 jump(u8 op, u32 dst, s32 imm, bool wide = true);
  u32 jump_reg(u8 op, u32 dst, u32 src, bool wide = true);
  void land(u32 jump);  // it goes to here()
  // -- picking
  s32 constant();
  u64 constant64();
  u32 size();
  u8 condition();
  int pick(Kind k);  // a register of that kind, or -1
  u32 target();      // a register that may be overwritten
  u32 scalar();      // one that holds a number (makes one if there is none)
  void make_scalar(u32 dst);
  void clobber();  // after a call
  bool bold() { return c.chance(o.boldness); }
  // -- statements (generator.cpp)
  void block(u32 statements, u32 depth);
  void statement(u32 depth);
  void arithmetic();
  void branch(u32 depth);
  void loop(u32 depth);
  void compare_only();
  void finish(bool callback);
  void function(u32 index, const Signature& s, u32 statements);
  // -- what compilers emit for common things (generator_idioms.cpp)
  void idiom(u32 depth);
  bool pair(u32& a, u32& b);  // two numbers in different registers that may be overwritten
  void rotation();
  void product_rotation();
  void extension();
  void quotient_and_remainder();
  void choice();
  void bit_field();
  void sum_of_products();
  void update_in_memory();
  void bytes_together();
  void copy_words();
  void table(u32 depth);
  void array_loop();
  // -- memory and calls (generator_memory.cpp)
  void stack_access();
  void spill();
  void memory_access();
  void offset_access();
  void bound(u32 r, u32 most,
             std::vector<u32>& out);  // makes r at most `most`; leaves through jumps in `out`
  void atomic();
  void map_lookup();
  void map_direct();
  void map_update();
  void packet();
  void context();
  void plain_helper();
  void call_function();
  void call_loop();
  s32 stack_area(u32 bytes, bool filled);  // offset from r10 of an aligned area

  Choices& c;
  const GeneratorOptions& o;
  Program p;
  Belief b;
  u16 locked_ = 1u << isa::kFp;  // registers not to be overwritten here
  u32 function_ = 0;             // which is being written
  std::vector<Signature> signatures_;
  struct Call {
    u32 insn, function;
  };
  std::vector<Call> calls_;  // to be resolved: pseudo calls and function references
  u32 loops_ = 0;
};

}  // namespace osmia::fuzz
