// Lines find their code by loaded instruction: the first byte that belongs to the line's or a later one.
#include "runtime/jited.h"

#include <algorithm>

#include "jit/jit.h"
#include "runtime/symbols.h"

namespace osmia::runtime {

namespace {

struct Span {
  u32 from = 0, to = 0;  // offsets in the code
};

// Where the image has the dump's functions: it may have more of them, which nothing reaches. Empty: some
// function is not there.
std::vector<Span> places(const Program& p, const Dump& dump, const jit::Image& image) {
  const auto& made = p.made_from;
  const size_t all = image.subprogs().empty() ? 0 : image.subprogs().size() - 1;
  std::vector<Span> out;
  for (const auto& f : dump.functions)
    for (size_t g = 0; g < std::min(all, made.functions.size()); g++) {
      const u32 first = made.functions[g] < made.loaded.size() ? made.loaded[made.functions[g]] : ~0u;
      if (first < f.loaded_start || first >= f.loaded_end) continue;
      out.push_back({image.subprogs()[g], image.subprogs()[g + 1]});
      break;
    }
  if (out.size() != dump.functions.size()) out.clear();
  return out;
}

}  // namespace

JitedView jited_view(const Program& p) {
  JitedView v;
  const Dump& dump = p.dump();
  const size_t n = dump.functions.size();
  const jit::Image* image = p.executable ? p.executable->image() : nullptr;
  const std::vector<Span> code = image ? places(p, dump, *image) : std::vector<Span>{};
  for (u32 f = 0; f < n; f++) {
    v.functions.push_back(function_symbol(p, f));
    v.lengths.push_back(code.empty() ? 0 : code[f].to - code[f].from);
  }
  if (code.empty()) return v;
  if (code.size() + 1 == image->subprogs().size())
    v.bytes.assign(image->bytes().begin(), image->bytes().end());
  else
    for (const Span& s : code)
      v.bytes.insert(v.bytes.end(), image->bytes().begin() + s.from, image->bytes().begin() + s.to);
  // Of each loaded instruction: the lowest offset in the code of its own function. Copies in functions that
  // it was expanded into do not count.
  const auto function_of = [](auto starts, u32 at) {
    return std::upper_bound(starts.begin(), starts.end(), at) - starts.begin() - 1;
  };
  const auto starts = image->subprogs();
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
    const u32 end_insn = f + 1 < n ? dump.functions[f + 1].start : ~0u, begin = code[f].from,
              end = code[f].to;
    size_t next = k;
    while (next < count && dump.line_info[next].insn_off < end_insn) next++;
    if (next - k > end - begin) return v.lines.clear(), v;  // more lines than bytes: then none
    for (u32 lowest = begin; k < next; k++) {
      u32 at = ~0u;
      for (u32 i = dump.line_loaded[k]; i < offset.size() && at == ~0u; i++) at = offset[i];
      if (lowest == begin) at = lowest;  // a function's first line is where it begins
      at = std::clamp(at, lowest, end - static_cast<u32>(next - k));
      v.lines.push_back(v.functions[f] + (at - begin));
      lowest = at + 1;
    }
  }
  return v;
}

}  // namespace osmia::runtime
