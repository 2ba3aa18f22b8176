// From each use back to the definition: the work is the size of the result.
#include "jit/common/live.h"

#include <algorithm>

namespace osmia::jit {
namespace {

struct Use {
  Val v;
  u32 block, to;  // the value is needed up to here
};

float weight_of(u32 depth) {
  float w = 1;
  for (u32 d = 0; d < std::min(depth, 6u); d++) w *= 8;
  return w;
}

}  // namespace

Liveness find_live_ranges(const Function& f, const Machine& m) {
  Liveness out;
  const u32 n = static_cast<u32>(f.nodes.size());
  out.in_register.assign(n, 0);
  out.cost.assign(n, 0);
  std::vector<Val> last_in(f.blocks.size(), kNoVal);  // by block: the last value found live into it
  out.live_in.reserve(f.order.size());
  out.ranges.reserve(f.order.size() * 2);
  std::vector<u32> position(n, 0), def_block(n, ~0u), count(n + 1, 0);
  std::vector<Use> uses;
  uses.reserve(f.order.size() * 2);
  for (u32 b = 0; b < f.blocks.size(); b++) {
    const Block& block = f.blocks[b];
    const float w = weight_of(block.depth);
    for (u32 i = block.begin; i < block.end; i++) {
      const Val v = f.order[i];
      const Node& node = f.nodes[v];
      def_block[v] = b;
      position[v] = node.op == Op::kPhi ? block.begin * 4 : i * 4 + 2;
      out.cost[v] += w;
      if (node.op == Op::kPhi) {
        const auto preds = f.preds_of(block);
        for (u32 k = 0; k < node.nargs; k++) {
          const Val a = f.args[node.extra + k];
          if (a == kNoVal || f.is_const(a)) continue;
          uses.push_back({a, preds[k], f.blocks[preds[k]].end * 4});
          count[a]++;
        }
        continue;
      }
      const u8 late = m.late_operands(f, node);
      auto read = [&](Val a, u32 to) {
        uses.push_back({a, b, to});
        count[a]++;
        out.cost[a] += w;
      };
      auto use = [&](Val a, u32 k) {
        if (a == kNoVal || (f.is_const(a) && m.takes_constant(f, node, k, a))) return;
        const Node& operand = f.nodes[a];
        if (operand.flags & kFolded) {  // it is read here, as part of this node; a load's address late
          const u32 to = i * 4 + (operand.op == Op::kLoad ? 3 : 1);
          if (operand.a != kNoVal) read(operand.a, to);
          if (operand.b != kNoVal && !(f.is_const(operand.b) && m.takes_constant(f, operand, 1, operand.b)))
            read(operand.b, to);
          return;
        }
        read(a, i * 4 + (late >> k & 1 ? 3 : 1));
      };
      use(node.a, 0);
      use(node.b, 1);
      use(node.c, 2);
      for (u32 k = 0; k < node.nargs; k++) use(f.args[node.extra + k], 3);
    }
  }
  // Uses by value.
  std::vector<u32> first(n + 1, 0);
  for (u32 v = 0; v < n; v++) first[v + 1] = first[v] + count[v];
  std::vector<Use> sorted(uses.size());
  {
    std::vector<u32> at(first.begin(), first.end() - 1);
    for (const Use& u : uses) sorted[at[u.v]++] = u;
  }
  out.begin.resize(n + 1);
  std::vector<u32> seen(f.blocks.size(), ~0u), work;
  std::vector<LiveRange> mine;
  for (Val v = 0; v < n; v++) {
    out.begin[v] = static_cast<u32>(out.ranges.size());
    const Node& node = f.nodes[v];
    const bool wants =
        def_block[v] != ~0u && f.alias[v] == v && node.op != Op::kFrame && node.op != Op::kUndef;
    if (!wants) continue;
    mine.clear();
    const u32 home = def_block[v], def = position[v];
    auto live_out = [&](u32 b) {  // v is needed at the end of b
      if (seen[b] == v) return;
      seen[b] = v;
      if (b == home) {
        mine.push_back({def, f.blocks[b].end * 4});
        return;
      }
      mine.push_back({f.blocks[b].begin * 4, f.blocks[b].end * 4});
      if (last_in[b] == v) return;  // its predecessors are known already
      last_in[b] = v;
      out.live_in.push_back({b, v});
      work.push_back(b);
    };
    auto drain = [&] {
      while (!work.empty()) {
        const u32 b = work.back();
        work.pop_back();
        for (const u32 p : f.preds_of(f.blocks[b])) live_out(p);
      }
    };
    for (u32 k = first[v]; k < first[v + 1]; k++) {
      const Use& u = sorted[k];
      if (u.to == f.blocks[u.block].end * 4) {
        live_out(u.block);
        drain();
      } else if (u.block == home && u.to > def) {
        mine.push_back({def, u.to});
      } else {
        mine.push_back({f.blocks[u.block].begin * 4, u.to});
        if (last_in[u.block] != v) {
          last_in[u.block] = v;
          out.live_in.push_back({u.block, v});
          for (const u32 p : f.preds_of(f.blocks[u.block])) live_out(p);
          drain();
        }
      }
    }
    if (mine.empty()) {
      // Results that nobody reads still are written somewhere.
      if (has_effect(node.op) && !is_terminator(node.op) && node.op != Op::kStore && node.op != Op::kUpdate &&
          node.op != Op::kBarrier)
        mine.push_back({def, def + 1});
      else
        continue;
    }
    out.in_register[v] = 1;
    std::sort(mine.begin(), mine.end(),
              [](const LiveRange& a, const LiveRange& b) { return a.from < b.from; });
    size_t last = 0;
    for (size_t k = 1; k < mine.size(); k++) {
      if (mine[k].from <= mine[last].to)
        mine[last].to = std::max(mine[last].to, mine[k].to);
      else
        mine[++last] = mine[k];
    }
    out.ranges.insert(out.ranges.end(), mine.begin(), mine.begin() + static_cast<s64>(last) + 1);
  }
  out.begin[n] = static_cast<u32>(out.ranges.size());
  return out;
}

}  // namespace osmia::jit
