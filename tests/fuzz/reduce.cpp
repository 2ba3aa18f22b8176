// Whole functions go first, then runs of instructions, halving, then single ones; then immediates become
// small.
#include "reduce.h"

#include <algorithm>

namespace osmia::fuzz {

using namespace isa;

namespace {

using Shows = std::function<bool(const Program&)>;

bool jumps(const Insn& in) {
  return (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kCall && in.op() != kExit;
}
bool far_jump(const Insn& in) {
  return in.code == (kJmp32 | kJa);
}
bool names_function(const Insn& in) {
  return (in.code == (kJmp | kCall) && in.src == kPseudoCall) || (is_ld_imm64(in) && in.src == kPseudoFunc);
}

// A call of f becomes r0 = 0; of its address, the helper's call with it.
Program without_function(const Program& p, u32 f) {
  Program out = p;
  const u32 start = p.functions[f].start;
  const u32 end = f + 1 < p.functions.size() ? p.functions[f + 1].start : static_cast<u32>(p.insns.size());
  std::vector<bool> gone(p.insns.size());
  for (u32 i = 0; i < p.insns.size(); i++) {
    const Insn in = p.insns[i];
    gone[i] = i >= start && i < end;
    if (gone[i] || !names_function(in) || i + 1 + static_cast<u32>(in.imm) != start) continue;
    const Insn zero{.code = kAlu64 | kMov | kK};
    if (!is_ld_imm64(in)) {
      out.insns[i] = zero;
      continue;
    }
    out.insns[i].src = 0, out.insns[i].imm = 0;
    for (u32 k = i + 2; k < std::min<size_t>(i + 8, p.insns.size()); k++)
      if (p.insns[k].code == (kJmp | kCall) && p.insns[k].src == kHelperCall) {
        out.insns[k] = zero;
        break;
      }
  }
  out = without(out, gone);
  out.functions.erase(out.functions.begin() + f);
  return out;
}

bool take_out(Program& p, size_t first, size_t n, const Shows& shows) {
  std::vector<bool> gone(p.insns.size());
  bool any = false;
  for (size_t i = first; i < std::min(first + n, p.insns.size()); i++) {
    if (i && is_ld_imm64(p.insns[i - 1])) continue;  // with its first half
    gone[i] = any = true;
    if (is_ld_imm64(p.insns[i]) && i + 1 < gone.size()) gone[i + 1] = true;
  }
  if (!any) return false;
  Program smaller = without(p, gone);
  if (smaller.insns.empty() || !shows(smaller)) return false;
  p = std::move(smaller);
  return true;
}

bool simplify_immediates(Program& p, const Shows& shows) {
  bool changed = false;
  for (size_t i = 0; i < p.insns.size(); i++) {
    const Insn was = p.insns[i];
    const bool constant = (was.cls() == kAlu || was.cls() == kAlu64 || was.cls() == kSt) && !was.is_reg_src();
    if (is_ld_imm64(was)) i++;
    if (!constant || was.op() == kEnd) continue;
    for (const s32 small : {0, 1, -1})
      if (was.imm > 1 || was.imm < -1) {
        p.insns[i].imm = small;
        if (shows(p)) {
          changed = true;
          break;
        }
        p.insns[i] = was;
      }
  }
  return changed;
}

}  // namespace

Program without(const Program& program, const std::vector<bool>& gone) {
  const size_t n = program.insns.size();
  std::vector<u32> moved(n + 1);
  for (size_t i = 0; i < n; i++) moved[i + 1] = moved[i] + !gone[i];
  const auto distance = [&](size_t i, s64 by) {
    const size_t to =
        static_cast<size_t>(std::clamp<s64>(static_cast<s64>(i) + 1 + by, 0, static_cast<s64>(n)));
    return static_cast<s64>(moved[to]) - static_cast<s64>(moved[i]) - 1;
  };
  Program out;
  for (size_t i = 0; i < n; i++) {
    const bool second = i && is_ld_imm64(program.insns[i - 1]);
    if (gone[i]) continue;
    Insn in = program.insns[i];
    if (second) {
      out.insns.push_back(in);
      continue;
    }
    if (jumps(in) && !far_jump(in))
      in.off = static_cast<s16>(distance(i, in.off));
    else if (far_jump(in) || names_function(in))
      in.imm = static_cast<s32>(distance(i, in.imm));
    out.insns.push_back(in);
  }
  for (Function f : program.functions) {
    f.start = moved[f.start];
    out.functions.push_back(f);
  }
  return out;
}

Program reduce(Program p, const Shows& shows) {
  for (bool changed = true; changed;) {
    changed = false;
    for (u32 f = static_cast<u32>(p.functions.size()); f-- > 1;) {
      Program smaller = without_function(p, f);
      if (!shows(smaller)) continue;
      p = std::move(smaller);
      changed = true;
    }
    for (size_t n = std::max<size_t>(p.insns.size() / 2, 1);; n /= 2) {
      for (size_t first = p.insns.size(); first-- > 0;)
        if (first % n == 0 || n == 1) changed |= take_out(p, first, n, shows);
      if (n == 1) break;
    }
    changed |= simplify_immediates(p, shows);
  }
  return p;
}

}  // namespace osmia::fuzz
