// Addresses: sums become part of the loads and stores that use them. Every user of the address takes the
// whole of it, so that the sum itself dies.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

bool is_memory(Op op) {
  return op == Op::kLoad || op == Op::kStore;
}
bool small(s64 v) {
  return v >= -(1 << 30) && v <= 1 << 30;
}

}  // namespace

void fold_memory(Function& f) {
  // How often each value is the address of a load or store.
  std::vector<u32> as_address(f.nodes.size(), 0);
  for (const Val v : f.order)
    if (is_memory(f.nodes[v].op)) as_address[f.nodes[v].a]++;
  for (const Val v : f.order) {
    Node& n = f.nodes[v];
    if (!is_memory(n.op)) continue;
    for (int steps = 0; steps < 8; steps++) {
      const Node& base = f.nodes[n.a];
      if (base.op == Op::kAdd && base.width == 64) {
        if (f.is_const(base.b)) {
          if (!small(n.imm + f.nodes[base.b].imm) || !small(f.nodes[base.b].imm)) break;
          n.imm += f.nodes[base.b].imm;
          n.a = base.a;
          continue;
        }
        if (n.b != kNoVal) break;
        Val x = base.a, y = base.b;
        if (f.nodes[x].op == Op::kShl || f.nodes[y].op == Op::kFrame) std::swap(x, y);
        if (f.nodes[y].op == Op::kFrame) break;
        n.a = x;
        n.b = y;
        n.scale = 0;
        const Node& index = f.nodes[y];
        if (index.op == Op::kShl && index.width == 64 && f.is_const(index.b) && f.nodes[index.b].imm <= 3 &&
            f.nodes[index.b].imm >= 1) {
          n.scale = static_cast<u8>(f.nodes[index.b].imm);
          n.b = index.a;
        }
        continue;
      }
      break;
    }
    // Constants added to the index.
    if (n.b != kNoVal) {
      const Node& index = f.nodes[n.b];
      if (index.op == Op::kAdd && index.width == 64 && f.is_const(index.b) && small(f.nodes[index.b].imm) &&
          small(n.imm + f.nodes[index.b].imm * (1 << n.scale))) {
        n.imm += f.nodes[index.b].imm * (1 << n.scale);
        n.b = index.a;
      }
    }
  }
  drop_dead(f);
}

}  // namespace osmia::jit
