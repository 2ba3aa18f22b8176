// Layout after editing: positions first, offsets second.
#include "rewrite/editor.h"

#include <algorithm>

namespace osmia::rewrite {

using namespace isa;

namespace {

// Where the target's distance is kept: 0 none, 1 off, 2 imm.
int target_field(const Insn& in) {
  if (is_pseudo_call(in) || is_pseudo_func(in)) return 2;
  if (in.cls() != kJmp && in.cls() != kJmp32) return 0;
  if (in.op() == kCall || in.op() == kExit) return 0;
  return in.code == (kJmp32 | kJa) ? 2 : 1;
}

}  // namespace

Editor::Editor(std::vector<Insn> insns) {
  slots_.resize(insns.size());
  for (size_t i = 0; i < insns.size(); i++) {
    slots_[i].pieces.push_back({insns[i], false});
    if (const int field = target_field(insns[i]))
      slots_[i].target = static_cast<s64>(i) + 1 + (field == 1 ? insns[i].off : insns[i].imm);
    if (is_ld_imm64(insns[i]) && i + 1 < insns.size()) {
      slots_[i + 1].pieces.push_back({insns[i + 1], false});
      i++;
    }
  }
}

void Editor::set(u32 i, Insn insn) {
  slots_[i].pieces.assign(1, Piece{insn, false});
}
void Editor::replace(u32 i, std::vector<Piece> pieces) {
  slots_[i].pieces = std::move(pieces);
}
void Editor::remove(u32 i) {
  slots_[i].pieces.clear();
}

void Editor::insert_before(u32 i, std::span<const Insn> insns) {
  std::vector<Piece> pieces;
  for (const Insn& in : insns) pieces.push_back({in, true});
  auto& p = slots_[i].pieces;
  p.insert(p.begin(), pieces.begin(), pieces.end());
}
void Editor::insert_after(u32 i, std::span<const Insn> insns) {
  for (const Insn& in : insns) slots_[i].pieces.push_back({in, true});
}

Result<Editor::Layout> Editor::apply() const {
  Layout out;
  out.position.resize(slots_.size() + 1);
  u32 pos = 0;
  for (size_t i = 0; i < slots_.size(); i++) {
    out.position[i] = pos;
    pos += static_cast<u32>(slots_[i].pieces.size());
  }
  out.position[slots_.size()] = pos;
  out.insns.reserve(pos);
  out.original.reserve(pos);
  for (size_t i = 0; i < slots_.size(); i++) {
    for (const Piece& piece : slots_[i].pieces) {
      Insn in = piece.insn;
      const int field = target_field(in);
      if (!piece.fixed && field) {
        const s64 target = std::clamp<s64>(slots_[i].target, 0, static_cast<s64>(slots_.size()));
        const s64 distance = static_cast<s64>(out.position[target]) - static_cast<s64>(out.insns.size()) - 1;
        if (field == 1) {
          if (distance < INT16_MIN || distance > INT16_MAX) {
            if (in.code != (kJmp | kJa))
              return Error{ERANGE, "rewriting: the jump at instruction " + std::to_string(i) +
                                       " no longer reaches its target"};
            in.code = kJmp32 | kJa;
            in.off = 0;
            in.imm = static_cast<s32>(distance);
          } else {
            in.off = static_cast<s16>(distance);
          }
        } else {
          in.imm = static_cast<s32>(distance);
        }
      }
      out.insns.push_back(in);
      out.original.push_back(static_cast<u32>(i));
    }
  }
  return out;
}

}  // namespace osmia::rewrite
