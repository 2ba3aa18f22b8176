// What an instruction of arm64 does besides its own operation: shift the right side, multiply before it adds,
// take a field of bits. The inner operation becomes part of its one user, in the same block. Invariant: a
// folded node is none of the order, and its operands are read where its user is.
#include <utility>

#include "jit/arm64/machine.h"

namespace osmia::jit::arm64 {
namespace {

bool logical(Op op) {
  return op == Op::kAnd || op == Op::kOr || op == Op::kXor;
}

struct Fuser {
  Function& f;

  // Has `n` the only use of v, and nothing in v that is folded itself?
  bool mine(const Node& n, Val v) const {
    if (v == kNoVal || f.uses[v] != 1) return false;
    const Node& x = f.nodes[v];
    if (x.block != n.block || x.flags & kFolded) return false;
    for (const Val o : {x.a, x.b})
      if (o != kNoVal && f.nodes[o].flags & kFolded) return false;
    return true;
  }
  bool shifted(const Node& n, Val v) const {
    if (!mine(n, v)) return false;
    const Node& x = f.nodes[v];
    if (x.width != n.width || !f.is_const(x.b)) return false;
    return x.op == Op::kShl || x.op == Op::kShr || x.op == Op::kSar || (x.op == Op::kRol && logical(n.op));
  }
  bool product(const Node& n, Val v) const {
    return mine(n, v) && f.nodes[v].op == Op::kMul && f.nodes[v].width == n.width &&
           !sum_with_shift(f, f.nodes[v]);
  }

  void right_side(Node& n) {
    if (f.is_const(n.a) || f.is_const(n.b) || n.a == n.b) return;
    const bool sum = n.op == Op::kAdd || n.op == Op::kSub;
    auto good = [&](Val v) { return shifted(n, v) || (sum && product(n, v)); };
    if (n.op != Op::kSub && good(n.a) && !good(n.b)) std::swap(n.a, n.b);
    if (good(n.b)) f.nodes[n.b].flags |= kFolded;
  }
  void field(Node& n) {
    const u32 bits = field_bits(f, n);
    if (n.op == Op::kShl && f.is_const(n.b)) {  // a field moved up
      if (!mine(n, n.a)) return;
      const u32 inner = field_bits(f, f.nodes[n.a]);
      if (inner && inner <= 32 && inner + static_cast<u32>(f.nodes[n.b].imm) <= n.width)
        f.nodes[n.a].flags |= kFolded;
    } else if (bits && mine(n, n.a)) {  // a field from further up
      const Node& x = f.nodes[n.a];
      if (x.op == Op::kShr && f.is_const(x.b) && static_cast<u64>(f.nodes[x.b].imm) + bits <= x.width)
        f.nodes[n.a].flags |= kFolded;
    }
  }
};

}  // namespace

u32 field_bits(const Function& f, const Node& n) {
  if (n.op == Op::kZext) return n.bytes * 8;
  if (n.op != Op::kAnd || !f.is_const(n.b)) return 0;
  const u64 mask = static_cast<u64>(f.nodes[n.b].imm) & (n.width == 64 ? ~u64{0} : 0xffffffff);
  return mask && !(mask & (mask + 1)) ? static_cast<u32>(__builtin_popcountll(mask)) : 0;
}

u32 sum_with_shift(const Function& f, const Node& n) {
  if (n.op != Op::kMul || !f.is_const(n.b)) return 0;
  const u64 rest = static_cast<u64>(f.nodes[n.b].imm) - 1;
  return rest > 1 && rest < 0x80000000 && !(rest & (rest - 1)) ? static_cast<u32>(__builtin_ctzll(rest)) : 0;
}

// Base, scaled index and offset do not go into one instruction: the sum of the first two becomes a value, one
// for all that use it in a block.
void split_addresses(Function& f) {
  struct Sum {
    Val a, b, v;
    u8 scale;
  };
  std::vector<Sum> sums;
  std::vector<Val> order;
  order.reserve(f.order.size());
  auto make = [&](Node n, const Node& user) {
    const Val v = static_cast<Val>(f.nodes.size());
    n.insn = user.insn;
    n.block = user.block;
    f.nodes.push_back(n);
    f.alias.push_back(v);
    f.uses.push_back(1);
    if (n.op != Op::kConst) order.push_back(v);
    return v;
  };
  for (Block& b : f.blocks) {
    const u32 begin = static_cast<u32>(order.size());
    sums.clear();
    for (u32 i = b.begin; i < b.end; i++) {
      const Val v = f.order[i];
      const Node n = f.nodes[v];
      if ((n.op == Op::kLoad || n.op == Op::kStore) && n.b != kNoVal && f.nodes[n.a].op != Op::kFrame &&
          (n.imm || (n.scale && 1u << n.scale != n.bytes))) {
        Val sum = kNoVal;
        for (const Sum& s : sums)
          if (s.a == n.a && s.b == n.b && s.scale == n.scale) sum = s.v;
        if (sum == kNoVal) {
          Val index = n.b;
          if (n.scale) {
            const Val by = make({.op = Op::kConst, .imm = n.scale}, n);
            index = make({.op = Op::kShl, .a = index, .b = by}, n);
          }
          sum = make({.op = Op::kAdd, .a = n.a, .b = index}, n);
          sums.push_back({n.a, n.b, sum, n.scale});
        }
        f.nodes[v].a = sum;
        f.nodes[v].b = kNoVal;
        f.nodes[v].scale = 0;
      }
      order.push_back(v);
    }
    b.begin = begin;
    b.end = static_cast<u32>(order.size());
  }
  f.order = std::move(order);
}

void fuse(Function& f) {
  split_addresses(f);
  Fuser fuser{f};
  for (const Val v : f.order) {
    Node& n = f.nodes[v];
    if (n.op == Op::kShl || n.op == Op::kZext || (n.op == Op::kAnd && f.is_const(n.b)))
      fuser.field(n);
    else if (n.op == Op::kAdd || n.op == Op::kSub || logical(n.op))
      fuser.right_side(n);
  }
  u32 at = 0;
  for (Block& b : f.blocks) {
    const u32 begin = at;
    for (u32 i = b.begin; i < b.end; i++)
      if (!(f.nodes[f.order[i]].flags & kFolded)) f.order[at++] = f.order[i];
    b.begin = begin;
    b.end = at;
  }
  f.order.resize(at);
}

}  // namespace osmia::jit::arm64
