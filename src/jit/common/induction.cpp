// Loop counters. Compilers for BPF often compare the counter's old value after making the new one, which
// keeps two registers and a move alive in each round: the comparison goes over to the new value where that is
// the same, and the new value is made as late as possible.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

// Are all values that phi takes, but that of predecessor k, constants below `limit`?
bool starts_below(const Function& f, const Node& phi, size_t k, s64 limit) {
  for (u32 j = 0; j < phi.nargs; j++) {
    const Val a = f.args[phi.extra + j];
    if (j != k && (!f.is_const(a) || f.nodes[a].imm < 0 || f.nodes[a].imm >= limit)) return false;
  }
  return true;
}

}  // namespace

void simplify_loops(Function& f) {
  constexpr s64 kLimit = 1 << 29;
  for (u32 b = 0; b < f.blocks.size(); b++) {
    Block& block = f.blocks[b];
    if (block.begin == block.end || !block.depth) continue;
    Node& branch = f.nodes[f.order[block.end - 1]];
    if (branch.op != Op::kBranch) continue;
    for (const u32 way : {0u, 1u}) {
      const u32 head = block.succ[way];
      if (head == ~0u || f.blocks[b].loop != head) continue;
      const auto preds = f.preds_of(f.blocks[head]);
      const size_t k = static_cast<size_t>(std::find(preds.begin(), preds.end(), b) - preds.begin());
      // phi < K, phi + c made in this block and carried round: phi + c < K + c. No sum wraps: the counter
      // starts below the limit, and every round began with phi < K.
      const Cc goes_on = way ? branch.cc : opposite(branch.cc);
      if (branch.a != kNoVal && f.is_const(branch.b) && f.nodes[branch.a].op == Op::kPhi &&
          f.nodes[branch.a].block == head) {
        const Node& phi = f.nodes[branch.a];
        const Val step = f.args[phi.extra + k];
        const Node& sum = f.nodes[step];
        const s64 limit = f.nodes[branch.b].imm;
        if (sum.op == Op::kAdd && sum.a == branch.a && f.is_const(sum.b) && sum.block == b &&
            sum.width == branch.width && (goes_on == Cc::kUlt || goes_on == Cc::kUle || goes_on == Cc::kNe)) {
          const s64 c = f.nodes[sum.b].imm;
          const bool exact = goes_on == Cc::kNe;
          if ((exact && limit > -kLimit && limit < kLimit && c > -kLimit && c < kLimit) ||
              (!exact && c > 0 && c < kLimit && limit > 0 && limit < kLimit &&
               starts_below(f, phi, k, kLimit))) {
            Node next{.op = Op::kConst, .imm = limit + c};
            next.block = b;
            branch.a = step;
            branch.b = static_cast<Val>(f.nodes.size());
            f.order.insert(f.order.begin() + block.end - 1, branch.b);
            f.nodes.push_back(next);  // `branch` is no longer valid
            f.alias.push_back(static_cast<Val>(f.nodes.size() - 1));
            f.uses.push_back(1);
            for (u32 x = b; x < f.blocks.size(); x++) {
              if (x != b) f.blocks[x].begin++;
              f.blocks[x].end++;
            }
          }
        }
      }
      // New values that only the next round and the comparison read: made right before the comparison.
      Block& now = f.blocks[b];
      const Node last = f.nodes[f.order[now.end - 1]];
      const Block& loop = f.blocks[head];
      for (u32 i = loop.begin; i < loop.end && f.nodes[f.order[i]].op == Op::kPhi; i++) {
        const Val v = f.args[f.nodes[f.order[i]].extra + k];
        const Node& n = f.nodes[v];
        if (n.op != Op::kAdd || !f.is_const(n.b) || n.block != b || n.a != f.order[i]) continue;
        const u32 here = 1u + (last.a == v) + (last.b == v);
        if (f.uses[v] != here && f.uses[v] + (last.a == v) != here) continue;
        const auto at = std::find(f.order.begin() + now.begin, f.order.begin() + now.end, v);
        if (at == f.order.begin() + now.end) continue;
        std::rotate(at, at + 1, f.order.begin() + now.end - 1);
      }
      break;
    }
  }
}

}  // namespace osmia::jit
