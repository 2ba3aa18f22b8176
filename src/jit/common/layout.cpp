// The order in which blocks are emitted: chains of blocks that fall into each other, made along the edges
// that are probably taken most often (Pettis and Hansen, "Profile Guided Code Positioning", PLDI 1990, with
// guesses in place of a profile). A jump that need not be made counts twice: so loops get their test at the
// bottom. Invariant: block 0 stays first; blocks that nobody reaches go.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

struct Edge {
  float weight;
  u32 from, to;
};

// How likely block b goes to its successor k.
float probability(const Function& f, const Block& b, u32 k) {
  const u32 s = b.succ[k], other = b.succ[1 - k];
  if (other == ~0u || s == ~0u) return 1;
  const Node& n = f.nodes[f.order[b.end - 1]];
  if (n.op == Op::kMayGoto) return k ? 0.01f : 0.99f;
  // Loops go on.
  const u32 here = f.blocks[s].depth, there = f.blocks[other].depth;
  if (here != there && std::min(here, there) < b.depth) return here > there ? 0.9f : 0.1f;
  auto leaves = [&](u32 x) { return f.nodes[f.order[f.blocks[x].end - 1]].op == Op::kExit; };
  if (leaves(s) != leaves(other) && !b.depth) return leaves(s) ? 0.2f : 0.8f;
  float taken = 0.5f;
  if (n.cc == Cc::kEq) taken = 0.35f;
  if (n.cc == Cc::kNe) taken = 0.65f;
  return k ? taken : 1 - taken;
}

}  // namespace

void layout(Function& f) {
  const auto rpo = reverse_postorder(f);
  const u32 n = static_cast<u32>(f.blocks.size());
  std::vector<u32> index(n, ~0u);
  for (u32 k = 0; k < rpo.size(); k++) index[rpo[k]] = k;
  std::vector<float> often(n, 0);
  std::vector<Edge> edges;
  edges.reserve(rpo.size() * 2);
  often[0] = 1;
  for (const u32 b : rpo) {
    const Block& block = f.blocks[b];
    if (block.loop_header && block.depth <= 6) often[b] *= 8;
    const auto next = f.successors(block);
    for (u32 k = 0; k < next.size(); k++) {
      if (next[k] == ~0u) continue;
      const float p = block.table != ~0u ? 1 / static_cast<float>(next.size()) : probability(f, block, k);
      if (index[next[k]] > index[b]) often[next[k]] += often[b] * p;
      const bool jumps = f.nodes[f.order[block.end - 1]].op == Op::kJump;
      float w = often[b] * p * (jumps ? 2 : 1);
      if (block.table != ~0u) w = 0;  // nothing falls out of a switch
      if (next[k] == b + 1) w *= 1.05f;
      edges.push_back({w, b, next[k]});
    }
  }
  std::stable_sort(edges.begin(), edges.end(),
                   [](const Edge& x, const Edge& y) { return x.weight > y.weight; });
  std::vector<u32> next(n, ~0u), before(n, ~0u), chain(n);
  for (u32 b = 0; b < n; b++) chain[b] = b;
  auto find = [&](u32 b) {
    while (chain[b] != b) b = chain[b] = chain[chain[b]];
    return b;
  };
  for (const Edge& e : edges) {
    if (e.weight <= 0 || next[e.from] != ~0u || before[e.to] != ~0u || !e.to || find(e.from) == find(e.to))
      continue;
    next[e.from] = e.to;
    before[e.to] = e.from;
    chain[find(e.to)] = find(e.from);
  }
  std::vector<u32> order, place(n, ~0u);
  for (u32 b : rpo) {
    if (place[b] != ~0u) continue;
    while (before[b] != ~0u) b = before[b];
    for (; b != ~0u; b = next[b]) {
      place[b] = static_cast<u32>(order.size());
      order.push_back(b);
    }
  }
  // Everything goes to its new place.
  std::vector<Block> blocks;
  std::vector<Val> values;
  blocks.reserve(order.size());
  values.reserve(f.order.size());
  for (const u32 old : order) {
    Block b = f.blocks[old];
    const u32 begin = static_cast<u32>(values.size());
    for (u32 i = b.begin; i < b.end; i++) {
      f.nodes[f.order[i]].block = static_cast<u32>(blocks.size());
      values.push_back(f.order[i]);
    }
    b.begin = begin;
    b.end = static_cast<u32>(values.size());
    for (u32& s : b.succ)
      if (s != ~0u) s = place[s];
    if (b.loop != ~0u) b.loop = place[b.loop];
    // Where neither way comes next, the likely one takes the conditional jump.
    Node& last = f.nodes[values.back()];
    const u32 at = static_cast<u32>(blocks.size());
    if (last.op == Op::kBranch && b.succ[0] != at + 1 && b.succ[1] != at + 1 &&
        probability(f, f.blocks[old], 0) > 0.5f) {
      std::swap(b.succ[0], b.succ[1]);
      last.cc = opposite(last.cc);
    }
    blocks.push_back(b);
  }
  for (Table& t : f.tables)
    for (u32& w : t.ways) w = place[w];
  for (u32& p : f.preds) p = p < n ? place[p] : p;
  f.blocks = std::move(blocks);
  f.order = std::move(values);
}

// Processors fetch and keep decoded code by lines of 64 bytes: a small loop in one line less runs faster.
void align_loops(Function& f) {
  std::vector<u32> nodes(f.blocks.size(), 0), first(f.blocks.size(), ~0u);
  std::vector<u8> outer(f.blocks.size(), 0);
  for (u32 b = 0; b < f.blocks.size(); b++) {
    const Block& block = f.blocks[b];
    if (!block.depth) continue;
    if (first[block.loop] == ~0u) first[block.loop] = b;
    nodes[block.loop] += block.end - block.begin;
    if (f.blocks[block.loop].depth != block.depth) continue;
    // A header inside another loop makes that one an outer one.
    for (const u32 p : f.preds_of(f.blocks[block.loop]))
      if (f.blocks[p].loop != ~0u && f.blocks[p].loop != block.loop) outer[f.blocks[p].loop] = 1;
  }
  for (u32 h = 0; h < f.blocks.size(); h++) {
    if (first[h] == ~0u) continue;
    Block& b = f.blocks[first[h]];
    b.align = std::max<u8>(b.align, !outer[h] && nodes[h] <= 64 ? 64 : 16);
  }
}

}  // namespace osmia::jit
