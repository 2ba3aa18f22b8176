// Lines find their code by loaded instruction: the first byte that belongs to the line's or a later one.
#include "runtime/jited.h"

#include <algorithm>

#include "jit/jit.h"
#include "runtime/symbols.h"

namespace osmia::runtime {

JitedView jited_view(const Program& p) {
  JitedView v;
  const Dump& dump = p.dump();
  const size_t n = dump.functions.size();
  const jit::Image* image = p.executable ? p.executable->image() : nullptr;
  if (image && image->subprogs().size() != n + 1) image = nullptr;
  for (u32 f = 0; f < n; f++) {
    v.functions.push_back(function_symbol(p, f));
    v.lengths.push_back(image ? image->subprogs()[f + 1] - image->subprogs()[f] : 0);
  }
  if (!image) return v;
  v.bytes = image->bytes();
  // Of each loaded instruction: the lowest offset in the code of its own function. Copies in functions that
  // it was expanded into do not count.
  const auto function_of = [](auto starts, u32 at) {
    return std::upper_bound(starts.begin(), starts.end(), at) - starts.begin() - 1;
  };
  const auto starts = image->subprogs().first(n);
  std::vector<u32> offset(p.insns.size(), ~0u);
  for (const jit::CodeRange& r : image->map()) {
    if (r.insn >= p.made_from.loaded.size() || p.made_from.loaded[r.insn] >= offset.size()) continue;
    if (function_of(std::span(p.made_from.functions), r.insn) != function_of(starts, r.offset)) continue;
    u32& lowest = offset[p.made_from.loaded[r.insn]];
    lowest = std::min(lowest, r.offset);
  }
  // The lines of each function, which on Linux have an address each. Here several may share an instruction,
  // or lie in another order: each is moved as little as makes the addresses rise.
  const size_t count = dump.line_info.size();
  for (size_t f = 0, k = 0; f < n; f++) {
    const bool last = f + 1 >= std::min(n, dump.func_info.size());
    const u32 end_insn = last ? ~0u : dump.func_info[f + 1].insn_off, end = image->subprogs()[f + 1];
    size_t next = k;
    while (next < count && dump.line_info[next].insn_off < end_insn) next++;
    if (next - k > end - starts[f]) return v.lines.clear(), v;  // more lines than bytes: then none
    for (u32 lowest = starts[f]; k < next; k++) {
      u32 at = ~0u;
      for (u32 i = dump.line_loaded[k]; i < offset.size() && at == ~0u; i++) at = offset[i];
      if (lowest == starts[f]) at = lowest;  // a function's first line is where it begins
      at = std::clamp(at, lowest, end - static_cast<u32>(next - k));
      v.lines.push_back(v.functions[f] + (at - starts[f]));
      lowest = at + 1;
    }
  }
  return v;
}

}  // namespace osmia::runtime
