// The shape of a function: who comes before whom, reverse postorder, natural loops.
#include <algorithm>

#include "jit/common/ir.h"

namespace osmia::jit {

std::vector<u32> reverse_postorder(const Function& f) {
  const u32 n = static_cast<u32>(f.blocks.size());
  std::vector<u32> out;
  out.reserve(n);
  std::vector<u8> seen(n, 0);
  std::vector<std::pair<u32, u32>> stack{{0, 0}};
  seen[0] = 1;
  while (!stack.empty()) {
    auto& [b, k] = stack.back();
    // The last successor first, so that the first comes right behind the block.
    const auto next = f.successors(f.blocks[b]);
    if (k < next.size()) {
      const u32 s = next[next.size() - 1 - k++];
      if (s != ~0u && !seen[s]) {
        seen[s] = 1;
        stack.push_back({s, 0});
      }
    } else {
      out.push_back(b);
      stack.pop_back();
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

void find_preds(Function& f, const std::vector<u32>& rpo) {
  const u32 n = static_cast<u32>(f.blocks.size());
  std::vector<u8> reached(n, 0);
  for (const u32 b : rpo) reached[b] = 1;
  std::vector<u32> count(n + 1, 0);
  for (u32 b = 0; b < n; b++) {
    if (!reached[b]) f.blocks[b].succ[0] = f.blocks[b].succ[1] = ~0u;
    for (const u32 s : f.successors(f.blocks[b]))
      if (s != ~0u) count[s]++;
  }
  u32 at = 0;
  for (u32 b = 0; b < n; b++) {
    f.blocks[b].pred_begin = f.blocks[b].pred_end = at;
    at += count[b];
  }
  f.preds.resize(at);
  for (u32 b = 0; b < n; b++)
    for (const u32 s : f.successors(f.blocks[b]))
      if (s != ~0u) f.preds[f.blocks[s].pred_end++] = b;
}

void find_loops(Function& f, const std::vector<u32>& rpo) {
  const u32 n = static_cast<u32>(f.blocks.size());
  std::vector<u32> index(n, ~0u);
  for (u32 k = 0; k < rpo.size(); k++) index[rpo[k]] = k;
  std::vector<u32> mark(n, ~0u), work;
  for (const u32 h : rpo) {
    auto take = [&](u32 b) {
      mark[b] = h;
      f.blocks[b].depth++;
      f.blocks[b].loop = h;  // headers come from outside inwards: the innermost stays
    };
    for (const u32 p : f.preds_of(f.blocks[h])) {
      if (index[p] < index[h]) continue;
      f.blocks[h].loop_header = true;
      if (mark[h] != h) take(h);
      if (mark[p] != h) {
        take(p);
        work.push_back(p);
      }
    }
    while (!work.empty()) {
      const u32 b = work.back();
      work.pop_back();
      for (const u32 p : f.preds_of(f.blocks[b]))
        if (mark[p] != h && index[p] > index[h]) {
          take(p);
          work.push_back(p);
        }
    }
  }
}

}  // namespace osmia::jit
