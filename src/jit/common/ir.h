// The optimising tier's form of one function: SSA over 64-bit values in basic blocks, in the program's order.
// Invariants: a value of width 32 has its upper half zero (as on x86-64 and arm64); operands are defined
// before their uses but for phis; order[] lists what is emitted, terminators last in their block; a value
// with alias[v] != v stands for another one and is not in order[].
#pragma once
#include <span>
#include <vector>

#include "base/types.h"
#include "rewrite/exec_program.h"

namespace osmia::jit {

using Val = u32;
inline constexpr Val kNoVal = ~0u;

enum class Op : u8 {
  kConst,  // imm
  kArg,    // argument imm (0 = r1)
  kFrame,  // r10
  kUndef,
  kPhi,  // args[extra …], one per predecessor
  // a OP b at `width`
  kAdd,
  kSub,
  kMul,
  kAnd,
  kOr,
  kXor,
  kShl,
  kShr,
  kSar,
  kRol,    // b is constant
  kMulHi,  // upper half of the unsigned product
  kMulHiS,
  kDiv,
  kMod,
  kSdiv,
  kSmod,
  kNeg,         // a
  kBswap,       // of the low `bytes`, the rest zero
  kZext,        // the low `bytes` of a
  kSext,        // the same to `width`
  kLea,         // a + (b << scale) + imm at `width`; a or b may be absent
  kLoad,        // `bytes` at a + (b << scale) + imm; flags
  kThreadWord,  // the u32 imm bytes from the thread pointer
  kStore,       // c to there
  kUpdate,      // memory OP= c there: `cc` holds the Op
  kAtomic,    // at a + imm, operand c; b: expected value of a compare-and-exchange; extra: the BPF operation
  kCall,      // calls[imm](args[extra …])
  kCallSub,   // subprogram imm
  kTailCall,  // args[extra …]: context, map, index
  kBarrier,
  // terminators
  kJump,
  kBranch,   // cc(a, b) at `width`: succ[1], else succ[0]
  kMayGoto,  // rounds used up: succ[1]
  kSwitch,   // a through Function::tables[imm]
  kExit,     // returns a
};

// Conditions, in pairs: c ^ 1 is the opposite.
enum class Cc : u8 { kEq, kNe, kUlt, kUge, kUle, kUgt, kSlt, kSge, kSle, kSgt, kTestZ, kTestNz };
inline Cc opposite(Cc c) {
  return static_cast<Cc>(static_cast<u8>(c) ^ 1);
}

enum NodeFlag : u8 {
  kSigned = 1,      // load: sign-extends to `width`
  kProbe = 2,       // may fault: a load then gives zero, a store or atomic does nothing
  kArena = 32,      // with kProbe: an access to the arena
  kNonZero = 4,     // division: the divisor is not zero
  kFolded = 8,      // emitted as part of its one user
  kMemOperand = 16  // one operand is a folded load: its address is in that node
};

struct Node {
  Op op = Op::kConst;
  u8 width = 64;
  u8 bytes = 0;
  u8 flags = 0;
  u8 scale = 0;
  Cc cc = Cc::kEq;
  u8 bits = 64;  // the value is below 2^bits
  u8 nargs = 0;
  Val a = kNoVal, b = kNoVal, c = kNoVal;
  u32 extra = 0;
  s64 imm = 0;
  u32 insn = 0;  // of the ExecProgram
  u32 block = 0;
};

struct Block {
  u32 begin = 0, end = 0;  // in order
  u32 succ[2] = {~0u, ~0u};
  u32 pred_begin = 0, pred_end = 0;  // in preds
  u32 depth = 0;                     // of loops around it
  u32 loop = ~0u;                    // header of the innermost of them
  u32 table = ~0u;                   // of its kSwitch, which has no succ
  bool loop_header = false;
  u8 align = 0;  // of its code; 0: none
};

// A value at `width`, less `low`, is the index of an entry; entries are indexes of ways, which are blocks,
// each once and without phis. Where `checked`, other values go way 0.
struct Table {
  s64 low = 0;
  u8 width = 64;
  bool checked = false;
  std::vector<u32> ways{}, entries{};
};

struct Function {
  u32 subprog = 0;
  std::vector<Node> nodes;
  std::vector<Val> alias;
  std::vector<Val> args;
  std::vector<Block> blocks;  // in the order of emission; 0 is the entry
  std::vector<u32> preds;
  std::vector<Val> order;
  std::vector<Table> tables;
  std::vector<u32> uses;  // by value, after count_uses()
  u32 stack_bytes = 0;    // that are addressed; 0: no frame for the program
  bool has_calls = false, has_may_goto = false, has_tail_call = false;
  u8 arg_count = 0;

  Val resolve(Val v) {
    while (alias[v] != v) v = alias[v] = alias[alias[v]];
    return v;
  }
  // Each block once; ~0u where there is none.
  std::span<const u32> successors(const Block& b) const {
    if (b.table != ~0u) return tables[b.table].ways;
    return b.succ;
  }
  std::span<const u32> preds_of(const Block& b) const {
    return {preds.data() + b.pred_begin, b.pred_end - b.pred_begin};
  }
  bool is_const(Val v) const { return v != kNoVal && nodes[v].op == Op::kConst; }
};

inline bool is_terminator(Op op) {
  return op >= Op::kJump;
}
inline bool has_effect(Op op) {
  return op >= Op::kStore;
}
// Calls f(Val&) for every operand.
template <class F>
void for_operands(Function& fn, Node& n, F&& f) {
  if (n.a != kNoVal) f(n.a);
  if (n.b != kNoVal) f(n.b);
  if (n.c != kNoVal) f(n.c);
  for (u32 k = 0; k < n.nargs; k++)
    if (fn.args[n.extra + k] != kNoVal) f(fn.args[n.extra + k]);
}

// -- the passes
// flat.h, build.cpp: instructions to SSA.
// shape.cpp. Unreachable blocks are in no order and have neither predecessors nor successors.
std::vector<u32> reverse_postorder(const Function& f);
void find_preds(Function& f, const std::vector<u32>& rpo);
void find_loops(Function& f, const std::vector<u32>& rpo);
void find_switches(Function& f);      // switch.cpp
void layout(Function& f);             // layout.cpp
void align_loops(Function& f);        // layout.cpp; last
void drop_trivial_phis(Function& f);  // cleanup.cpp
void narrow(Function& f);             // demanded.cpp: what nobody reads of upper halves
void drop_dead(Function& f);          // cleanup.cpp; fills uses
void simplify_loops(Function& f);     // induction.cpp; after drop_dead
// fold.cpp: addresses and, where the CPU has them, operands in memory
void fold_memory(Function& f, bool operands = true);

}  // namespace osmia::jit
