// Dense switches: trees and chains of comparisons of one value with constants become one jump through a
// table. Each comparison's outcome is painted over the values it is reached with; what equality takes is
// painted last. Invariant: a way of a table leads to a block without phis for it (a landing block stands
// before those that have some), so no moves hang on a switch.
#include <algorithm>

#include "base/bits.h"
#include "jit/common/ir.h"

namespace osmia::jit {
namespace {

constexpr u32 kFewest = 8;     // comparisons
constexpr u32 kHalves = 9;     // and twice those made on average: fewer are foretold better than one jump
constexpr u32 kLargest = 256;  // entries of a table
constexpr s64 kFar = 1 << 30;
constexpr u32 kDepth = 64;  // of a tree

struct Way {
  u32 from = ~0u, k = 0;  // edge k of block `from`
  bool operator==(const Way&) const = default;
};

struct Tree {
  Function& f;
  u32 root;
  Val value;
  u8 width;
  bool is_signed = false;
  s64 least = 0, most = 0;   // of the value
  std::vector<u32> inner{};  // its blocks
  s64 low = 0, high = 0;     // constants
  std::vector<Way> cells{};  // below `low`, [low, high], above
  std::vector<u8> depths{};  // comparisons on the way there
  bool bad = false;

  const Node& last(u32 b) const { return f.nodes[f.order[f.blocks[b].end - 1]]; }
  s64 constant(const Node& n) const {
    const u64 v = static_cast<u64>(f.nodes[n.b].imm);
    return is_signed ? sign_extend(v, width) : static_cast<s64>(width == 64 ? v : static_cast<u32>(v));
  }
  bool asks(u32 b) const {
    const Block& block = f.blocks[b];
    if (block.begin == block.end) return false;
    const Node& n = last(b);
    if (n.op != Op::kBranch || n.a != value || n.width != width || !f.is_const(n.b)) return false;
    if (n.cc == Cc::kTestZ || n.cc == Cc::kTestNz) return false;
    if (b == root) return true;
    if (block.pred_end - block.pred_begin != 1) return false;
    for (u32 i = block.begin; i + 1 < block.end; i++)
      if (!f.is_const(f.order[i])) return false;
    return true;
  }
  void collect(u32 b, u32 depth) {
    const s64 k = constant(last(b));
    if (inner.empty()) low = high = k;
    low = std::min(low, k);
    high = std::max(high, k);
    inner.push_back(b);
    if (depth == kDepth || inner.size() > kLargest) {
      bad = true;
      return;
    }
    for (const u32 s : f.blocks[b].succ)
      if (s != ~0u && s != root && asks(s)) collect(s, depth + 1);
  }
  void way(u32 b, u32 k, s64 from, s64 to, u8 depth) {
    if (from > to) return;
    const u32 s = f.blocks[b].succ[k];
    if (s != root && asks(s)) return paint(s, from, to, static_cast<u8>(depth + 1));
    auto cell = [&](s64 v) {
      return v < low ? size_t{0} : static_cast<size_t>(std::min(v, high + 1) - low + 1);
    };
    const size_t first = cell(from), count = cell(to) - first + 1;
    std::fill_n(cells.begin() + static_cast<s64>(first), count, Way{b, k});
    std::fill_n(depths.begin() + static_cast<s64>(first), count, depth);
  }
  void paint(u32 b, s64 from, s64 to, u8 depth) {
    const Node& n = last(b);
    const s64 k = constant(n);
    // Comparisons of the other kind mean the same only where nothing is negative.
    const bool ordered = n.cc >= Cc::kUlt && n.cc <= Cc::kSgt;
    if (ordered && (n.cc >= Cc::kSlt) != is_signed &&
        (from < 0 || to > sign_max() || k < 0 || k > sign_max()))
      bad = true;
    switch (n.cc) {
      case Cc::kEq:
      case Cc::kNe: {
        const u32 same = n.cc == Cc::kEq;
        way(b, 1 - same, from, to, depth);
        if (k >= from && k <= to) way(b, same, k, k, depth);
        return;
      }
      case Cc::kUlt:
      case Cc::kSlt:
        way(b, 1, from, std::min(to, k - 1), depth);
        return way(b, 0, std::max(from, k), to, depth);
      case Cc::kUge:
      case Cc::kSge:
        way(b, 0, from, std::min(to, k - 1), depth);
        return way(b, 1, std::max(from, k), to, depth);
      case Cc::kUle:
      case Cc::kSle:
        way(b, 1, from, std::min(to, k), depth);
        return way(b, 0, std::max(from, k + 1), to, depth);
      default: way(b, 0, from, std::min(to, k), depth); return way(b, 1, std::max(from, k + 1), to, depth);
    }
  }
  s64 sign_max() const { return width == 64 ? INT64_MAX : INT32_MAX; }

  bool find() {
    const Node& n = last(root);
    const u8 bits = f.nodes[value].bits;
    if (bits < width) {
      most = static_cast<s64>((u64{1} << bits) - 1);
    } else if (n.cc >= Cc::kSlt && n.cc <= Cc::kSgt) {
      is_signed = true;
      most = width == 64 ? s64{1} << 62 : INT32_MAX;  // below the ends, so that k + 1 does not wrap
      least = -most - 1;
      if (width == 64) return false;
    } else if (width == 32) {
      most = 0xffffffff;
    } else {
      return false;
    }
    collect(root, 0);
    if (bad || inner.size() < kFewest || low < -kFar || high > kFar || low < least || high > most)
      return false;
    // What is nearly all of the value's range is made all of it: then nothing needs to be checked.
    if (low - least <= 8) low = least;
    if (most - high <= 8) high = most;
    if (static_cast<u64>(high - low) >= kLargest || static_cast<u64>(high - low) > 6 * inner.size())
      return false;
    cells.resize(static_cast<size_t>(high - low) + 3);
    depths.resize(cells.size());
    paint(root, least, most, 1);
    if (bad) return false;
    u32 asked = 0;
    for (size_t c = 1; c + 1 < cells.size(); c++) asked += depths[c];
    if (2 * asked < kHalves * (cells.size() - 2)) return false;
    const bool below = least<low, above = most> high;
    return !below || !above || cells.front() == cells.back();
  }

  // The root jumps through a table, the other blocks of the tree go.
  void replace() {
    Table t{.low = low, .width = width, .checked = least < low || most > high};
    std::vector<Way> ways;
    if (t.checked) {
      ways.push_back(least < low ? cells.front() : cells.back());
      t.ways.push_back(landing(ways[0]));
    }
    for (size_t c = 1; c + 1 < cells.size(); c++) {
      const size_t known = static_cast<size_t>(std::find(ways.begin(), ways.end(), cells[c]) - ways.begin());
      if (known == ways.size()) {
        ways.push_back(cells[c]);
        t.ways.push_back(landing(cells[c]));
      }
      t.entries.push_back(static_cast<u32>(known));
    }
    // Ways to one block are one.
    for (size_t k = 0; k < t.ways.size(); k++) {
      const auto first = std::find(t.ways.begin(), t.ways.end(), t.ways[k]);
      const u32 to = static_cast<u32>(first - t.ways.begin());
      if (to == k) continue;
      for (u32& e : t.entries) e = e == k ? to : e - (e > k);
      t.ways.erase(t.ways.begin() + static_cast<s64>(k--));
    }
    for (const u32 b : inner) {
      // Edges that no value takes.
      for (u32 k = 0; k < 2; k++) {
        const u32 s = f.blocks[b].succ[k];
        if (s == root || std::find(inner.begin(), inner.end(), s) == inner.end()) remove_edge(f, b, s);
      }
    }
    for (const u32 w : t.ways) enter(w);
    Node jump{.op = Op::kSwitch, .width = width, .a = value, .imm = static_cast<s64>(f.tables.size())};
    Node& old = f.nodes[f.order[f.blocks[root].end - 1]];
    jump.insn = old.insn;
    jump.block = old.block;
    old = jump;
    for (const u32 b : inner) {
      Block& block = f.blocks[b];
      block.succ[0] = block.succ[1] = ~0u;
      if (b == root) continue;
      block.begin = block.end = 0;
      block.pred_end = block.pred_begin;
    }
    f.blocks[root].table = static_cast<u32>(f.tables.size());
    f.tables.push_back(std::move(t));
  }

  bool has_phis(u32 b) const { return f.nodes[f.order[f.blocks[b].begin]].op == Op::kPhi; }
  // The block that this way leads to; one of its own where phis take something from it.
  u32 landing(const Way& w) {
    const u32 s = f.blocks[w.from].succ[w.k];
    if (!has_phis(s)) return s;
    const u32 b = static_cast<u32>(f.blocks.size());
    Block block{};
    block.begin = static_cast<u32>(f.order.size());
    block.end = block.begin + 1;
    block.succ[0] = s;
    block.depth = std::min(f.blocks[root].depth, f.blocks[s].depth);
    block.loop = block.depth == f.blocks[s].depth ? f.blocks[s].loop : f.blocks[root].loop;
    block.pred_begin = block.pred_end = static_cast<u32>(f.preds.size());
    Node jump{.op = Op::kJump};
    jump.block = b;
    jump.insn = last(w.from).insn;
    f.order.push_back(static_cast<Val>(f.nodes.size()));
    f.alias.push_back(static_cast<Val>(f.nodes.size()));
    f.nodes.push_back(jump);
    // It takes the place of w.from among the predecessors: the phis' arguments stay.
    Block& to = f.blocks[s];
    *std::find(f.preds.begin() + to.pred_begin, f.preds.begin() + to.pred_end, w.from) = b;
    f.blocks.push_back(block);
    return b;
  }
  // Makes the root a predecessor of s, which has no phis.
  void enter(u32 s) {
    Block& to = f.blocks[s];
    const std::vector<u32> old(f.preds.begin() + to.pred_begin, f.preds.begin() + to.pred_end);
    to.pred_begin = static_cast<u32>(f.preds.size());
    f.preds.insert(f.preds.end(), old.begin(), old.end());
    f.preds.push_back(root);
    to.pred_end = static_cast<u32>(f.preds.size());
  }
};

}  // namespace

void find_switches(Function& f) {
  u32 comparisons = 0;
  for (const Block& b : f.blocks)
    if (b.begin != b.end) {
      const Node& n = f.nodes[f.order[b.end - 1]];
      comparisons += n.op == Op::kBranch && f.is_const(n.b);
    }
  if (comparisons < kFewest) return;
  bool changed = false;
  for (const u32 b : reverse_postorder(f)) {
    if (f.blocks[b].begin == f.blocks[b].end) continue;
    const Node n = f.nodes[f.order[f.blocks[b].end - 1]];
    if (n.op != Op::kBranch || !f.is_const(n.b) || f.blocks[b].succ[1] == ~0u) continue;
    Tree t{.f = f, .root = b, .value = n.a, .width = n.width};
    if (!t.asks(b) || !t.find()) continue;
    t.replace();
    changed = true;
  }
  if (changed) drop_unreached(f);  // ways that no value takes may have been the only ones
}

}  // namespace osmia::jit
