// Editor: the one place that changes instruction positions. Passes say what each instruction becomes; apply()
// lays everything out once and fixes jumps, calls, subprogram starts and the origin of each instruction.
#pragma once
#include <span>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::rewrite {

// One instruction of a replacement. `fixed`: its jump or call offset is relative to the replacement as
// written; otherwise (the original jump moved into it) the offset still means the original target.
struct Piece {
  isa::Insn insn;
  bool fixed = true;
};

class Editor {
 public:
  explicit Editor(std::vector<isa::Insn> insns);

  size_t size() const { return slots_.size(); }
  // The instruction at an original index as it stands now (only while it is a single instruction).
  const isa::Insn& at(u32 original) const { return slots_[original].pieces.front().insn; }
  bool removed(u32 original) const { return slots_[original].pieces.empty(); }
  // Writes one instruction in place.
  void set(u32 original, isa::Insn insn);
  // Replaces by several (an original ld_imm64 counts as two indexes: replace the first, remove the second).
  void replace(u32 original, std::vector<Piece> pieces);
  void insert_before(u32 original, std::span<const isa::Insn> insns);
  void insert_after(u32 original, std::span<const isa::Insn> insns);
  // Jumps to it go to what follows.
  void remove(u32 original);

  struct Layout {
    std::vector<isa::Insn> insns;
    std::vector<u32> original;  // by new index
    std::vector<u32> position;  // by original index; [size()] = the end
  };
  // Errors: ERANGE if a jump no longer fits its field.
  Result<Layout> apply() const;

 private:
  struct Slot {
    std::vector<Piece> pieces;
    s64 target = -1;  // original index that its jump, call or function reference means
  };
  std::vector<Slot> slots_;
};

}  // namespace osmia::rewrite
