// Where an object that lives on the stack (dynptr, iterator) lies. Slots count downwards, so the object's
// first slot has the highest number. Invariant: a placement of kOk names slots that all exist.
#include "verifier/call/common.h"

namespace osmia::verifier {

StackPlace place_on_stack(Env& env, u32 regno, const char* what, int nr_slots) {
  const RegState& r = env.reg(regno);
  StackPlace place;
  place.frame = r.frameno;
  if (!r.s.is_const()) {
    say(env, "{} has to be at a constant offset", what);
    return place;
  }
  const s32 off = static_cast<s32>(static_cast<s64>(r.off) + static_cast<s64>(r.s.const_value()));
  const int slot = (-off - 1) / kRegSize;
  if (off % kRegSize || slot + 1 < nr_slots) {
    say(env, "cannot pass in {} at an offset={}", what, off);
    return place;
  }
  place.slot = slot;
  if (slot < kMaxSlots)
    env.subprogs[env.cur->frames[r.frameno]->subprog].addressed_slots |= slot_mask(slot + 1 - nr_slots, slot);
  place.placement = slot < env.cur->frames[r.frameno]->stack.slots() ? Placement::kOk : Placement::kOutside;
  return place;
}

}  // namespace osmia::verifier
