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

void Editor::insert_at_entry(u32 i, std::span<const Insn> insns) {
  for (auto& [at, list] : entries_)
    if (at == i) {
      list.insert(list.end(), insns.begin(), insns.end());
      return;
    }
  entries_.emplace_back(i, std::vector<Insn>(insns.begin(), insns.end()));
}
void Editor::append(std::span<const Insn> insns) {
  appended_.insert(appended_.end(), insns.begin(), insns.end());
}

Status Editor::place(const Slot& slot, const Piece& piece, u32 original, Layout& out) const {
  Insn in = piece.insn;
  const int field = target_field(in);
  if (!piece.fixed && field) {
    const s64 wanted = piece.target >= 0 ? piece.target : slot.target;
    const s64 target = std::clamp<s64>(wanted, 0, static_cast<s64>(slots_.size()));
    const bool call = is_pseudo_call(in) || is_pseudo_func(in);
    const s64 to = call ? out.entry[target] : out.position[target];
    const s64 distance = to - static_cast<s64>(out.insns.size()) - 1;
    if (field == 2) {
      in.imm = static_cast<s32>(distance);
    } else if (distance >= INT16_MIN && distance <= INT16_MAX) {
      in.off = static_cast<s16>(distance);
    } else if (in.code == (kJmp | kJa)) {
      in = Insn{.code = kJmp32 | kJa, .imm = static_cast<s32>(distance)};
    } else {
      return Error{ERANGE, "rewriting: the jump at instruction " + std::to_string(original) +
                               " no longer reaches its target"};
    }
  }
  out.insns.push_back(in);
  out.original.push_back(original);
  return Ok{};
}

Result<Editor::Layout> Editor::apply() const {
  Layout out;
  out.position.resize(slots_.size() + 1);
  for (const auto& [at, list] : entries_) out.position[at] = static_cast<u32>(list.size());
  out.entry.resize(slots_.size() + 1);
  u32 pos = 0;
  for (size_t i = 0; i <= slots_.size(); i++) {
    out.entry[i] = pos;
    out.position[i] = pos += out.position[i];
    if (i < slots_.size()) pos += static_cast<u32>(slots_[i].pieces.size());
  }
  out.insns.reserve(pos + appended_.size());
  out.original.reserve(pos + appended_.size());
  for (u32 i = 0; i < slots_.size(); i++) {
    if (out.entry[i] != out.position[i])
      for (const auto& [at, list] : entries_)
        for (size_t k = 0; at == i && k < list.size(); k++) {
          out.insns.push_back(list[k]);
          out.original.push_back(i);
        }
    for (const Piece& piece : slots_[i].pieces) OSMIA_TRY(place(slots_[i], piece, i, out));
  }
  for (const Insn& in : appended_) {
    out.insns.push_back(in);
    out.original.push_back(static_cast<u32>(slots_.size()) - 1);
  }
  return out;
}

}  // namespace osmia::rewrite
