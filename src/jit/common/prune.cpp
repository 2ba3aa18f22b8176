// Edges that nothing takes go, and the blocks that nothing reaches then. Invariant: a block's phis have one
// argument for each predecessor, in their order.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

// Does the bound of its left side decide this comparison with a constant? 1: it holds, 0: it does not, -1: it
// may.
int decided(const Function& f, const Node& n) {
  if (n.op != Op::kBranch || n.b == kNoVal || !f.is_const(n.b)) return -1;
  const u32 bits = f.nodes[n.a].bits;
  if (bits >= n.width) return -1;
  const u64 most = (u64{1} << bits) - 1;
  const u64 k = static_cast<u64>(f.nodes[n.b].imm) & (n.width == 32 ? 0xffffffff : ~u64{0});
  switch (n.cc) {
    case Cc::kUlt: return most < k ? 1 : k ? -1 : 0;
    case Cc::kUge: return most < k ? 0 : k ? -1 : 1;
    case Cc::kUle: return most <= k ? 1 : -1;
    case Cc::kUgt: return most <= k ? 0 : -1;
    case Cc::kEq: return most < k ? 0 : -1;
    case Cc::kNe: return most < k ? 1 : -1;
    default: return -1;
  }
}

}  // namespace

void remove_edge(Function& f, u32 from, u32 to) {
  Block& block = f.blocks[to];
  const auto begin = f.preds.begin() + block.pred_begin, end = f.preds.begin() + block.pred_end;
  const auto at = std::find(begin, end, from);
  if (at == end) return;
  const u32 slot = static_cast<u32>(at - begin);
  std::copy(at + 1, end, at);
  block.pred_end--;
  for (u32 i = block.begin; i < block.end && f.nodes[f.order[i]].op == Op::kPhi; i++) {
    Node& phi = f.nodes[f.order[i]];
    for (u32 k = slot; k + 1 < phi.nargs; k++) f.args[phi.extra + k] = f.args[phi.extra + k + 1];
    phi.nargs--;
  }
}

void drop_unreached(Function& f) {
  std::vector<u8> reached(f.blocks.size(), 0);
  for (const u32 b : reverse_postorder(f)) reached[b] = 1;
  for (u32 b = 0; b < f.blocks.size(); b++) {
    Block& block = f.blocks[b];
    if (reached[b] || block.begin == block.end) continue;
    for (const u32 s : f.successors(block))
      if (s != ~0u && reached[s]) remove_edge(f, b, s);
    block.begin = block.end = 0;
    block.succ[0] = block.succ[1] = block.table = ~0u;
  }
}

bool decide_branches(Function& f) {
  bool changed = false;
  for (u32 b = 0; b < f.blocks.size(); b++) {
    Block& block = f.blocks[b];
    if (block.begin == block.end || block.succ[1] == ~0u) continue;
    Node& n = f.nodes[f.order[block.end - 1]];
    const int holds = decided(f, n);
    if (holds < 0) continue;
    const u32 to = block.succ[holds], never = block.succ[1 - holds];
    remove_edge(f, b, never);
    block.succ[0] = to;
    block.succ[1] = ~0u;
    Node jump{.op = Op::kJump};
    jump.insn = n.insn;
    jump.block = n.block;
    n = jump;
    changed = true;
  }
  if (changed) drop_unreached(f);
  return changed;
}

}  // namespace osmia::jit
