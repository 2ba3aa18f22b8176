// Liveness marks of one frame in one state: which registers and stack slots were read (by a later
// instruction, up the chain of parent states) or written since the parent state. Kept by position, apart from
// the values, so that shared frames stay shared. A link says which position of the parent state a register
// continues.
#pragma once
#include <array>

#include "base/types.h"

namespace osmia::verifier {

inline constexpr u8 kNoLink = 0xff;
constexpr u8 link_to(u32 frame, u32 reg) {
  return static_cast<u8>(frame << 4 | reg);
}
constexpr u32 link_frame(u8 link) {
  return link >> 4;
}
constexpr u32 link_reg(u8 link) {
  return link & 0xf;
}

struct FrameMarks {
  u16 read32 = 0, read64 = 0, written = 0;  // bit r = register r
  std::array<u8, 11> link{};                // parent position, kNoLink if the value was made in this frame
  bool stack_linked = false;                // the parent state has this very frame
  u64 stack_read = 0, stack_written = 0;    // bit i = slot i

  // The marks of a frame that a call has just made (no register continues anything).
  static FrameMarks fresh() {
    FrameMarks m;
    m.link.fill(kNoLink);
    return m;
  }
  // The marks of a frame right after its state was saved as a checkpoint.
  static FrameMarks after_checkpoint(u32 frame) {
    FrameMarks m;
    for (u32 r = 0; r < 11; r++) m.link[r] = link_to(frame, r);
    m.stack_linked = true;
    return m;
  }
};

}  // namespace osmia::verifier
