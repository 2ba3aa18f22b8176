// Trail: how far each register and stack slot has moved since the head of each loop that is being run
// through. A loop is proved to end by what moves. Invariant: an entry {loc, origin, width, lo, hi} says that
// the low `width` bits of loc's value are those that origin had when the path was last at the loop's head,
// plus some d in [lo, hi], modulo 2^width; a location without an entry has not been written since. Plain
// data, carried by every path of the native profile.
#pragma once
#include <vector>

#include "base/types.h"

namespace osmia::verifier::native {

// A register or a stack slot of one frame.
using Loc = u16;
inline constexpr Loc kNowhere = 0xffff;
inline constexpr u32 kFirstSlot = 16;
constexpr Loc reg_loc(u32 frame, u32 reg) {
  return static_cast<Loc>(frame << 8 | reg);
}
constexpr Loc slot_loc(u32 frame, int slot) {
  return static_cast<Loc>(frame << 8 | (kFirstSlot + static_cast<u32>(slot)));
}
constexpr u32 loc_frame(Loc l) {
  return l >> 8;
}
constexpr bool loc_is_reg(Loc l) {
  return (l & 0xff) < kFirstSlot;
}
constexpr u32 loc_reg(Loc l) {
  return l & 0xff;
}
constexpr int loc_slot(Loc l) {
  return static_cast<int>((l & 0xff) - kFirstSlot);
}

inline constexpr s64 kFar = s64{1} << 40;  // a distance that is not followed any further

struct Move {
  Loc loc = kNowhere;
  Loc origin = kNowhere;  // kNowhere: nothing is known
  u8 width = 64;
  u8 shifted = 0;  // the value stands this many bits to the left (between `<<= n` and `>>= n`)
  s64 lo = 0, hi = 0;
  bool known() const { return origin != kNowhere; }
};

struct LoopTrail {
  u32 head = 0, frame = 0;
  u32 point = 0;            // the merged state that this round began with
  bool metered = false;     // went through a may_goto, which the run time bounds
  std::vector<Move> moves;  // by loc, ascending

  const Move* find(Loc loc) const {
    for (const Move& m : moves)
      if (m.loc == loc) return &m;
    return nullptr;
  }
  Move at(Loc loc) const {
    const Move* m = find(loc);
    return m ? *m : Move{loc, loc};
  }
  void set(Move m) {
    for (Move& o : moves)
      if (o.loc == m.loc) {
        o = m;
        return;
      }
    size_t i = 0;
    while (i < moves.size() && moves[i].loc < m.loc) i++;
    moves.insert(moves.begin() + static_cast<s64>(i), m);
  }
};

struct Trail {
  std::vector<LoopTrail> loops;  // outermost first
};

}  // namespace osmia::verifier::native
