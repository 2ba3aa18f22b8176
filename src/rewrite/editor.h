// Editor: the one place that changes instruction positions. Passes say what each instruction becomes; apply()
// lays everything out once and fixes jumps, calls, subprogram starts and the origin of each instruction.
// Records that speak of positions (function and line information) are moved by the layout that it returns.
#pragma once
#include <span>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::rewrite {

// One instruction of a replacement. `fixed`: its jump or call offset is relative to the replacement as
// written; otherwise (the original jump moved into it) the offset still means the original target, or the
// original index `target` if there is one.
struct Piece {
  isa::Insn insn;
  bool fixed = true;
  s64 target = -1;
};

class Editor {
 public:
  explicit Editor(std::vector<isa::Insn> insns);

  size_t size() const { return slots_.size(); }
  // The instruction at an original index as it stands now (only while it is a single instruction).
  const isa::Insn& at(u32 original) const { return slots_[original].pieces.front().insn; }
  bool removed(u32 original) const { return slots_[original].pieces.empty(); }
  std::span<const Piece> pieces(u32 original) const { return slots_[original].pieces; }
  // Writes one instruction in place.
  void set(u32 original, isa::Insn insn);
  // Replaces by several (an original ld_imm64 counts as two indexes: replace the first, remove the second).
  void replace(u32 original, std::vector<Piece> pieces);
  void insert_before(u32 original, std::span<const isa::Insn> insns);
  void insert_after(u32 original, std::span<const isa::Insn> insns);
  // At the start of a subprogram: calls run them, jumps to its first instruction do not.
  void insert_at_entry(u32 original, std::span<const isa::Insn> insns);
  // Behind the last instruction: a subprogram that only the engine enters.
  void append(std::span<const isa::Insn> insns);
  // Jumps to it go to what follows.
  void remove(u32 original);

  struct Layout {
    std::vector<isa::Insn> insns;
    std::vector<u32> original;  // by new index; of appended ones: the last index
    std::vector<u32> position;  // by original index: where jumps to it go; [size()] = the end (before append)
    std::vector<u32> entry;     // by original index: where calls to it go, before the entry instructions
  };
  // Errors: ERANGE if a jump no longer fits its field.
  Result<Layout> apply() const;

 private:
  struct Slot {
    std::vector<Piece> pieces;
    s64 target = -1;  // original index that its jump, call or function reference means
  };
  Status place(const Slot& slot, const Piece& piece, u32 original, Layout& out) const;

  std::vector<Slot> slots_;
  std::vector<std::pair<u32, std::vector<isa::Insn>>> entries_;  // by original index, few
  std::vector<isa::Insn> appended_;
};

}  // namespace osmia::rewrite
