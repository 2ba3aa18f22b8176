// Which registers and stack slots shared a scalar id at a conditional jump: at most six, packed into one word
// of the instruction history. Invariant: pack and unpack are inverse; a seventh member is dropped (its id is
// cleared instead).
#pragma once
#include <array>

#include "base/types.h"

namespace osmia::verifier {

struct LinkedReg {
  u8 frame = 0;
  u8 index = 0;  // register number or stack slot
  bool is_reg = false;
};

struct LinkedRegs {
  static constexpr int kMax = 6;
  int count = 0;
  std::array<LinkedReg, kMax> entries;

  // False when full.
  bool push(LinkedReg r) {
    if (count == kMax) return false;
    entries[count++] = r;
    return true;
  }
  u64 pack() const {
    u64 v = 0;
    for (int i = count - 1; i >= 0; i--) {
      const LinkedReg& e = entries[i];
      v = v << 10 | (u64{e.is_reg} << 9 | u64{e.index} << 3 | e.frame);
    }
    return v << 4 | static_cast<u64>(count);
  }
  static LinkedRegs unpack(u64 v) {
    LinkedRegs r;
    r.count = static_cast<int>(v & 0xf);
    v >>= 4;
    for (int i = 0; i < r.count; i++, v >>= 10)
      r.entries[i] = {static_cast<u8>(v & 7), static_cast<u8>(v >> 3 & 63), (v >> 9 & 1) != 0};
    return r;
  }
};

}  // namespace osmia::verifier
