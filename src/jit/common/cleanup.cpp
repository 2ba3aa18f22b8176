// Phis that only pass one value on, extensions that the phis' bounds make needless, and dead values.
#include <algorithm>

#include "base/bits.h"
#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

void drop_aliased(Function& f) {
  std::vector<Val> order;
  order.reserve(f.order.size());
  for (Block& b : f.blocks) {
    const u32 begin = static_cast<u32>(order.size());
    for (u32 i = b.begin; i < b.end; i++)
      if (f.alias[f.order[i]] == f.order[i]) order.push_back(f.order[i]);
    b.begin = begin;
    b.end = static_cast<u32>(order.size());
  }
  f.order = std::move(order);
  for (const Val v : f.order) for_operands(f, f.nodes[v], [&](Val& o) { o = f.resolve(o); });
}

// The sign of a short value is a bit of what it was made of.
void test_signs(Function& f) {
  for (const Block& b : f.blocks) {
    if (b.begin == b.end) continue;
    Node n = f.nodes[f.order[b.end - 1]];
    if (n.op != Op::kBranch || !f.is_const(n.b)) continue;
    const Node& x = f.nodes[n.a];
    if (x.op != Op::kSext || x.bytes > 2 || x.width < n.width) continue;
    const s64 k = sign_extend(static_cast<u64>(f.nodes[n.b].imm), n.width);
    const bool negative = (n.cc == Cc::kSlt && !k) || (n.cc == Cc::kSle && k == -1);
    if (!negative && !(n.cc == Cc::kSge && !k) && !(n.cc == Cc::kSgt && k == -1)) continue;
    const s64 bit = x.bytes == 1 ? 0x80 : 0x8000;
    n.width = 32;
    n.cc = negative ? Cc::kTestNz : Cc::kTestZ;
    n.a = x.a;
    n.b = static_cast<Val>(f.nodes.size());
    f.nodes[f.order[b.end - 1]] = n;
    f.nodes.push_back({.op = Op::kConst, .bits = 16, .imm = bit});
    f.alias.push_back(n.b);
  }
}

}  // namespace

void drop_trivial_phis(Function& f) {
  std::vector<Val> phis;
  for (const Val v : f.order)
    if (f.nodes[v].op == Op::kPhi) phis.push_back(v);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Val v : phis) {
      if (f.alias[v] != v) continue;
      const Node& n = f.nodes[v];
      Val only = kNoVal;
      bool trivial = true;
      for (u32 k = 0; k < n.nargs && trivial; k++) {
        const Val a = f.resolve(f.args[n.extra + k]);
        if (a == v || a == only) continue;
        // Equal constants are the same value.
        if (only != kNoVal && f.is_const(a) && f.is_const(only) && f.nodes[a].imm == f.nodes[only].imm)
          continue;
        trivial = only == kNoVal;
        only = a;
      }
      // A constant of one of the predecessors need not dominate; only values that do may stand in.
      if (!trivial || only == kNoVal || f.is_const(only)) continue;
      f.alias[v] = only;
      changed = true;
    }
  }
  // The least bounds of phis that their arguments keep. What is not a phi was bounded without them.
  for (const Val v : phis) f.nodes[v].bits = 0;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Val v : phis) {
      if (f.alias[v] != v) continue;
      Node& n = f.nodes[v];
      u8 bits = n.bits;
      for (u32 k = 0; k < n.nargs; k++) bits = std::max(bits, f.nodes[f.resolve(f.args[n.extra + k])].bits);
      changed |= bits != n.bits;
      n.bits = bits;
    }
  }
  for (const Val v : f.order) {
    Node& n = f.nodes[v];
    if (n.op != Op::kZext) continue;
    const Val a = f.resolve(n.a);
    if (f.nodes[a].bits <= n.bytes * 8) f.alias[v] = a;
  }
  drop_aliased(f);
  test_signs(f);
}

void drop_dead(Function& f) {
  drop_aliased(f);
  f.uses.assign(f.nodes.size(), 0);
  std::vector<u8> live(f.nodes.size(), 0);
  std::vector<Val> work;
  for (const Val v : f.order)
    if (has_effect(f.nodes[v].op)) {
      live[v] = 1;
      work.push_back(v);
    }
  while (!work.empty()) {
    const Val v = work.back();
    work.pop_back();
    for_operands(f, f.nodes[v], [&](Val& o) {
      f.uses[o]++;
      if (!live[o]) {
        live[o] = 1;
        work.push_back(o);
      }
    });
  }
  u32 at = 0;
  for (Block& b : f.blocks) {
    const u32 begin = at;
    for (u32 i = b.begin; i < b.end; i++)
      if (live[f.order[i]]) f.order[at++] = f.order[i];
    b.begin = begin;
    b.end = at;
  }
  f.order.resize(at);
}

}  // namespace osmia::jit
