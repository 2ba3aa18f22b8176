// Dominators by iteration over a reverse post-order (Cooper, Harvey, Kennedy), then for each back edge the
// nodes that reach it without passing its head.
#include "verifier/native/loop_forest.h"

#include <algorithm>

namespace osmia::verifier::native {

using namespace isa;

int successors(const Env& env, u32 i, u32 out[2]) {
  const Insn& in = env.insns[i];
  if (in.cls() != kJmp && in.cls() != kJmp32) {
    out[0] = i + (is_ld_imm64(in) ? 2 : 1);
    return 1;
  }
  switch (in.op()) {
    case kExit: return 0;
    case kCall: out[0] = i + 1; return 1;
    case kJa: out[0] = i + 1 + static_cast<u32>(in.cls() == kJmp ? s32{in.off} : in.imm); return 1;
    default:
      out[0] = i + 1;
      out[1] = i + 1 + static_cast<u32>(s32{in.off});
      return out[0] == out[1] ? 1 : 2;
  }
}

namespace {

constexpr u32 kNone = ~0u;

// One subprogram's instructions as nodes 0..n-1, node 0 its entry.
struct Graph {
  const Env& env;
  u32 start, n;
  std::vector<std::vector<u32>> pred;
  std::vector<u32> post;    // nodes in post-order
  std::vector<u32> number;  // post-order number, kNone if not reached
  std::vector<u32> idom;

  Graph(const Env& e, u32 s, u32 count) : env(e), start(s), n(count), pred(count), number(count, kNone) {}

  int succ(u32 v, u32 out[2]) const {
    u32 raw[2];
    int k = 0;
    const int count = successors(env, start + v, raw);
    for (int i = 0; i < count; i++)
      if (raw[i] >= start && raw[i] - start < n) out[k++] = raw[i] - start;
    return k;
  }

  // Depth-first from the entry; `later` decides which of two successors is visited first (and so comes
  // later).
  template <class First>
  void number_nodes(First visit_second_first) {
    post.clear();
    std::fill(number.begin(), number.end(), kNone);
    std::vector<bool> seen(n, false);
    struct Item {
      u32 v;
      int next;
      bool swapped;
    };
    std::vector<Item> stack{{0, 0, false}};
    seen[0] = true;
    while (!stack.empty()) {
      Item& it = stack.back();
      u32 s[2];
      const int k = succ(it.v, s);
      if (it.next == 0 && k == 2) it.swapped = visit_second_first(it.v, s[0], s[1]);
      if (it.next == k) {
        number[it.v] = static_cast<u32>(post.size());
        post.push_back(it.v);
        stack.pop_back();
        continue;
      }
      const u32 w = s[it.swapped ? 1 - it.next : it.next];
      it.next++;
      if (!seen[w]) {
        seen[w] = true;
        stack.push_back({w, 0, false});
      }
    }
  }

  u32 common(u32 a, u32 b) const {
    while (a != b) {
      while (number[a] < number[b]) a = idom[a];
      while (number[b] < number[a]) b = idom[b];
    }
    return a;
  }
  void find_dominators() {
    for (auto& p : pred) p.clear();
    for (u32 v : post) {
      u32 s[2];
      for (int i = 0, k = succ(v, s); i < k; i++) pred[s[i]].push_back(v);
    }
    idom.assign(n, kNone);
    idom[0] = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = post.size(); i-- > 0;) {
        const u32 v = post[i];
        if (v == 0) continue;
        u32 d = kNone;
        for (u32 p : pred[v])
          if (idom[p] != kNone) d = d == kNone ? p : common(d, p);
        if (d != idom[v]) idom[v] = d, changed = true;
      }
    }
  }
  bool dominates(u32 a, u32 b) const {
    while (number[b] < number[a]) b = idom[b];
    return a == b;
  }
};

}  // namespace

LoopForest::LoopForest(const Env& env) : head_of_(env.insns.size(), -1), order_(env.insns.size(), 0) {
  for (const Subprog& s : env.subprogs) build(env, s.start, s.end);
}

void LoopForest::build(const Env& env, u32 start, u32 end) {
  Graph g(env, start, end - start);
  g.number_nodes([](u32, u32, u32) { return false; });
  g.find_dominators();
  const size_t first_loop = loops_.size();
  for (u32 v : g.post) {
    u32 s[2];
    for (int i = 0, k = g.succ(v, s); i < k; i++) {
      const u32 h = s[i];
      if (g.number[h] < g.number[v]) continue;  // forward
      if (!g.dominates(h, v)) {
        if (irreducible_at_ < 0) irreducible_at_ = static_cast<s32>(start + h);
        continue;
      }
      s32& index = head_of_[start + h];
      if (index < 0) {
        index = static_cast<s32>(loops_.size());
        loops_.push_back({start + h, start, std::vector<bool>(g.n, false)});
        loops_.back().body[h] = true;
      }
      auto& body = loops_[static_cast<u32>(index)].body;
      std::vector<u32> work{v};
      while (!work.empty()) {
        const u32 w = work.back();
        work.pop_back();
        if (body[w]) continue;
        body[w] = true;
        for (u32 p : g.pred[w]) work.push_back(p);
      }
    }
  }
  // Again, with the way out of a loop visited first, so that it comes last.
  std::vector<u32> depth(g.n, 0);
  for (size_t l = first_loop; l < loops_.size(); l++)
    for (u32 v = 0; v < g.n; v++) depth[v] += loops_[l].body[v];
  g.number_nodes([&](u32, u32 a, u32 b) { return depth[b] < depth[a]; });
  for (u32 v = 0; v < g.n; v++)
    if (g.number[v] != kNone) order_[start + v] = static_cast<u32>(g.post.size()) - 1 - g.number[v];
}

}  // namespace osmia::verifier::native
