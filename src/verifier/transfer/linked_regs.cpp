// Linked scalars: registers and spilled registers with one id hold one value, or values at known distances
// from it. What a jump says of one holds of all.
#include "verifier/domain/alu.h"
#include "verifier/transfer/parts.h"

namespace osmia::verifier {
namespace {

bool is_linked(const RegState& r, u32 id) {
  return r.is_scalar() && (r.id & ~kAddConst) == id;
}

}  // namespace

void collect_linked_regs(PathState& st, u32 id, LinkedRegs& set) {
  id &= ~kAddConst;
  for (int f = static_cast<int>(st.curframe); f >= 0; f--) {
    const u8 frame = static_cast<u8>(f);
    for (u8 r = 0; r < isa::kFp; r++) {
      if (!is_linked(st.frames[f]->regs[r], id)) continue;
      if (!set.push({frame, r, true})) clear_scalar_id(st.frames[f].mut().regs[r]);
    }
    for (int i = 0; i < st.frames[f]->stack.slots(); i++) {
      const StackSlot& s = st.frames[f]->stack[i];
      if (!s.is_spill() || !is_linked(s.spilled, id)) continue;
      if (!set.push({frame, static_cast<u8>(i), false}))
        clear_scalar_id(st.frames[f].mut().stack.mut(i).spilled);
    }
  }
}

void sync_linked_regs(PathState& st, const RegState& known, const LinkedRegs& set) {
  for (int i = 0; i < set.count; i++) {
    const LinkedReg& e = set.entries[i];
    {
      const Frame& f = *st.frames[e.frame];
      const RegState& r = e.is_reg ? f.regs[e.index] : f.stack[e.index].spilled;
      if (!is_linked(r, known.id & ~kAddConst)) continue;
    }
    Frame& f = st.frames[e.frame].mut();
    RegState& r = e.is_reg ? f.regs[e.index] : f.stack.mut(e.index).spilled;
    const RegState old = r;
    r = known;
    r.subreg_def = old.subreg_def;
    if ((!(old.id & kAddConst) && !(known.id & kAddConst)) || old.off == known.off) continue;
    // Same base, other distance.
    r.off = old.off;
    r.id = old.id;
    add_unsynced(r.s, Scalar::constant(static_cast<u64>(s64{old.off} - s64{known.off})));
  }
}

}  // namespace osmia::verifier
