// Moves that happen at once: each destination is written when nobody needs its old value any more; cycles go
// through r11, memory to memory through r10.
#include <algorithm>

#include "jit/x86_64/emit.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

namespace {

bool same(const Place& a, const Place& b) {
  return a.kind == b.kind &&
         ((a.kind == Place::kReg && a.reg == b.reg) || (a.kind == Place::kSlot && a.slot == b.slot));
}

}  // namespace

Place Emitter::place(Val v) const {
  const Place p = where_->place[v];
  if (p.kind != Place::kReg || !f_->is_const(v)) return p;
  const Node& n = at(now_);
  const Val operands[] = {n.a, n.b, n.c};
  for (u32 k = 0; k < 3; k++) {
    if (operands[k] == kNoVal) continue;
    if (operands[k] == v) {
      if (!machine().takes_constant(*f_, n, k, v)) return p;
    } else if (at(operands[k]).flags & kFolded) {
      const Node& inner = at(operands[k]);
      if (inner.a == v || inner.b == v) return p;
    }
  }
  return {Place::kConst, 0, 0};
}

Move Emitter::move_to(const Place& to, Val from) const {
  Move m{to, place(from), 0};
  if (f_->is_const(from)) m = {to, {Place::kConst, 0, 0}, at(from).imm};
  return m;
}

void Emitter::move(const Move& m) {
  if (same(m.to, m.from) || m.to.kind == Place::kNone) return;
  if (m.to.kind == Place::kReg) {
    const Gp to = gp(m.to.reg);
    switch (m.from.kind) {
      case Place::kReg: a_.mov(to, gp(m.from.reg)); break;
      case Place::kSlot: a_.mov(to, word(m.from.slot)); break;
      case Place::kFrame: a_.lea(to, x86::ptr(x86::rsp, static_cast<s32>(frame_))); break;
      default: load_imm(to, static_cast<u64>(m.imm));
    }
    return;
  }
  switch (m.from.kind) {
    case Place::kReg: a_.mov(word(m.to.slot), gp(m.from.reg)); return;
    case Place::kConst:
      if (fits32(m.imm)) {
        a_.mov(word(m.to.slot), imm(m.imm));
        return;
      }
      load_imm(x86::r10, static_cast<u64>(m.imm));
      break;
    case Place::kSlot: a_.mov(x86::r10, word(m.from.slot)); break;
    case Place::kFrame: a_.lea(x86::r10, x86::ptr(x86::rsp, static_cast<s32>(frame_))); break;
    default: return;
  }
  a_.mov(word(m.to.slot), x86::r10);
}

void Emitter::moves(std::vector<Move> list) {
  list.erase(std::remove_if(list.begin(), list.end(),
                            [](const Move& m) { return same(m.to, m.from) || m.to.kind == Place::kNone; }),
             list.end());
  while (!list.empty()) {
    bool any = false;
    for (size_t k = 0; k < list.size(); k++) {
      bool needed = false;
      for (size_t j = 0; j < list.size() && !needed; j++) needed = j != k && same(list[j].from, list[k].to);
      if (needed) continue;
      move(list[k]);
      list.erase(list.begin() + static_cast<s64>(k));
      any = true;
      break;
    }
    if (any) continue;
    const Place r11{Place::kReg, kR11x, 0};
    const Place from = list[0].from;
    move({r11, from, 0});
    for (Move& m : list)
      if (same(m.from, from)) m.from = r11;
  }
}

}  // namespace osmia::jit::x86_64
