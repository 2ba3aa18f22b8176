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

bool same_address(const Node& x, const Node& y) {
  return x.a == y.a && x.b == y.b && x.scale == y.scale && x.imm == y.imm && x.bytes == y.bytes;
}
bool has_memory_form(Op op) {
  return op == Op::kAdd || op == Op::kSub || op == Op::kAnd || op == Op::kOr || op == Op::kXor;
}

// cc for the operands the other way round.
Cc mirrored(Cc c) {
  switch (c) {
    case Cc::kUlt: return Cc::kUgt;
    case Cc::kUge: return Cc::kUle;
    case Cc::kUle: return Cc::kUge;
    case Cc::kUgt: return Cc::kUlt;
    case Cc::kSlt: return Cc::kSgt;
    case Cc::kSge: return Cc::kSle;
    case Cc::kSle: return Cc::kSge;
    case Cc::kSgt: return Cc::kSlt;
    default: return c;
  }
}

// Can branch n compare its left side as it lies in memory? A zero-extended byte or half-word can be compared
// at its own width with what is no wider; a constant half-word would slow down the decoder.
bool narrow_compare(const Function& f, Node& n) {
  const Node& load = f.nodes[n.a];
  const u8 width = static_cast<u8>(load.bytes * 8);
  if (width == n.width) return true;
  if (load.flags & kSigned || width > 16) return false;
  const bool test = n.cc == Cc::kTestZ || n.cc == Cc::kTestNz;
  if (f.is_const(n.b)) {
    const s64 k = f.nodes[n.b].imm;
    if (width != 8 || k < 0 || k > 0xff) return false;
  } else if (f.nodes[n.b].bits > width || test) {
    return false;
  }
  // Neither side is negative.
  if (n.cc >= Cc::kSlt && n.cc <= Cc::kSgt)
    n.cc = static_cast<Cc>(static_cast<u8>(n.cc) - static_cast<u8>(Cc::kSlt) + static_cast<u8>(Cc::kUlt));
  n.width = width;
  return true;
}

// Loads that only the next operation reads become its operand, and load, operation, store of one place become
// an update of it. The load moves down to its user: nothing that writes memory may lie between them.
void fold_operands(Function& f) {
  std::vector<u32> place(f.nodes.size(), ~0u);  // in order, of the loads of this block
  for (const Block& b : f.blocks) {
    for (const bool updates :
         {true, false}) {  // updates first: they take the load, the operation and the store
      u32 last_effect = b.begin;
      std::vector<Val> seen;
      auto foldable = [&](Val v) {
        if (v == kNoVal || place[v] == ~0u || f.uses[v] != 1 || f.alias[v] == kNoVal) return false;
        const Node& load = f.nodes[v];
        return !(load.flags & (kProbe | kFolded)) && place[v] >= last_effect;
      };
      for (u32 i = b.begin; i < b.end; i++) {
        const Val v = f.order[i];
        Node& n = f.nodes[v];
        if (f.alias[v] == kNoVal) continue;
        if (n.op == Op::kLoad) {
          place[v] = i;
          seen.push_back(v);
        } else if (updates && n.op == Op::kStore && f.uses[n.c] == 1) {
          Node& x = f.nodes[n.c];
          if (x.block == n.block && has_memory_form(x.op) && n.bytes * 8 <= x.width) {
            if (x.op != Op::kSub && foldable(x.b) && !foldable(x.a)) std::swap(x.a, x.b);
            if (foldable(x.a) && x.a != x.b && same_address(f.nodes[x.a], n)) {
              n.op = Op::kUpdate;
              n.extra = static_cast<u32>(x.op);
              f.alias[x.a] = kNoVal;
              f.alias[n.c] = kNoVal;
              n.c = x.b;
            }
          }
        } else if (!updates && (has_memory_form(n.op) || n.op == Op::kMul)) {
          if (n.op != Op::kSub && foldable(n.a) && !foldable(n.b) && !f.is_const(n.b) && f.uses[n.b] == 1)
            std::swap(n.a, n.b);
          if (foldable(n.b) && !f.is_const(n.a) && n.a != n.b && f.nodes[n.b].bytes * 8 == n.width)
            f.nodes[n.b].flags |= kFolded;
        } else if (!updates && n.op == Op::kBranch && n.a != n.b) {
          if (!foldable(n.a) && foldable(n.b)) {
            std::swap(n.a, n.b);
            n.cc = mirrored(n.cc);
          }
          if (foldable(n.a) && narrow_compare(f, n)) f.nodes[n.a].flags |= kFolded;
        }
        if (has_effect(n.op)) last_effect = i + 1;
      }
      for (const Val v : seen) place[v] = ~0u;
    }
  }
  // Take out what is part of others now.
  u32 at = 0;
  for (Block& b : f.blocks) {
    const u32 begin = at;
    for (u32 i = b.begin; i < b.end; i++) {
      const Val v = f.order[i];
      if (f.alias[v] == kNoVal)
        f.alias[v] = v;
      else if (!(f.nodes[v].flags & kFolded))
        f.order[at++] = v;
    }
    b.begin = begin;
    b.end = at;
  }
  f.order.resize(at);
}

}  // namespace

void fold_memory(Function& f, bool operands) {
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
        if (f.is_const(base.b) && small(n.imm + f.nodes[base.b].imm) && small(f.nodes[base.b].imm)) {
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
  if (operands) fold_operands(f);
}

}  // namespace osmia::jit
