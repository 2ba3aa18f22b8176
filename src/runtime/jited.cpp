// Lines find their code by instruction: the first byte that belongs to the line's instruction or a later one.
#include "runtime/jited.h"

#include <algorithm>

#include "jit/jit.h"
#include "runtime/symbols.h"

namespace osmia::runtime {

JitedView jited_view(const Program& p) {
  JitedView v;
  const size_t n = p.dump.functions.size();
  const jit::Image* image = p.executable ? p.executable->image() : nullptr;
  if (image && image->subprogs().size() != n + 1) image = nullptr;
  for (u32 f = 0; f < n; f++) {
    v.functions.push_back(function_symbol(p, f));
    v.lengths.push_back(image ? image->subprogs()[f + 1] - image->subprogs()[f] : 0);
  }
  if (!image) return v;
  v.bytes = image->bytes();
  // The lowest offset of each instruction; out-of-line code at a function's end does not count.
  std::vector<u32> offset(p.dump.insns.size(), ~0u);
  for (const jit::CodeRange& r : image->map())
    if (r.insn < offset.size()) offset[r.insn] = std::min(offset[r.insn], r.offset);
  size_t f = 0;
  u32 before = 0;
  for (const auto& line : p.dump.line_info) {
    while (f + 1 < p.dump.func_info.size() && f + 1 < n && p.dump.func_info[f + 1].insn_off <= line.insn_off)
      before = image->subprogs()[++f];
    u32 at = ~0u;
    for (u32 i = line.insn_off; i < offset.size() && at == ~0u; i++) at = offset[i];
    if (f < p.dump.func_info.size() && line.insn_off == p.dump.func_info[f].insn_off)
      at = image->subprogs()[f];
    before = std::clamp(at, before, std::max(before, image->subprogs()[f + 1] - 1));
    v.lines.push_back(v.functions[f] + (before - image->subprogs()[f]));
  }
  return v;
}

}  // namespace osmia::runtime
