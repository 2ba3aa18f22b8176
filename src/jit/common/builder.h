// Instructions to SSA. Values are simplified as they are made: constants, redundant extensions, rotates,
// multiplications and divisions by constants.
#pragma once
#include "jit/common/flat.h"
#include "jit/common/ir.h"

namespace osmia::jit {

__extension__ using VarMask = unsigned __int128;  // by variable; at most kMaxVars
inline constexpr u32 kMaxVars = 128;

// Makes nodes at the end of the block being filled.
class NodeMaker {
 public:
  explicit NodeMaker(Function& f) : f_(f) {}
  void at(u32 block, u32 insn) {
    if (block != block_) divided_.clear();
    block_ = block;
    insn_ = insn;
  }
  Val add(Node n);  // appends as it is

  Val constant(u64 v);
  // a op b at width; ops kAdd … kRol and the divisions.
  Val binary(Op op, u8 width, Val a, Val b);  // simplify.cpp
  Val unary_neg(u8 width, Val a);
  Val zext(u8 bytes, Val a);
  Val sext(u8 bytes, u8 width, Val a);
  Val bswap(u8 bytes, Val a);
  Val divide(Op op, u8 width, Val a, Val b);  // divide.cpp

  Val resolve(Val v) { return f_.resolve(v); }
  bool is_const(Val v) const { return f_.is_const(v); }
  u64 const_of(Val v) const { return static_cast<u64>(f_.nodes[v].imm); }
  const Node& node(Val v) const { return f_.nodes[v]; }
  u8 bits(Val v) const { return f_.nodes[v].bits; }

 private:
  Val plain(Op op, u8 width, Val a, Val b, u8 bits);
  Val rotate(u8 width, Val a, Val b);  // a | b as a rotation, or kNoVal
  Val shift(Op op, u8 width, Val a, u32 by);
  Val divide_unsigned(u8 width, Val a, u64 d);
  Val divide_signed(u8 width, Val a, s64 d);

  Function& f_;
  u32 block_ = ~0u, insn_ = 0;
  struct Quotient {
    Op op;
    u8 width;
    Val a;
    u64 d;
    Val q;
  };
  std::vector<Quotient> divided_;  // in this block
};

// The address that a function reference stands for, by subprogram.
struct BuildContext {
  const rewrite::ExecProgram& program;
  const std::vector<SubprogInfo>& info;
  u64 (*callback_address)(void* self, u32 subprog);
  void* self;
  s32 cpu_word;  // Options::cpu_word
};
// Errors: EINVAL for what no engine knows, EOPNOTSUPP for what this tier does not take (the direct tier may).
Result<Function> build(const BuildContext& c, u32 subprog);

}  // namespace osmia::jit
