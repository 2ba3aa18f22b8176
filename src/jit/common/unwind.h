// How debuggers find the caller of generated code: at each place, where the frame begins and which of the
// caller's registers lie in it. Filled in while code is emitted, written as DWARF's .debug_frame for who
// asked for it. Registers go by DWARF's numbers. Source: DWARF 5, section 6.4; the psABIs of x86-64 and
// AArch64.
#pragma once
#include <vector>

#include "base/types.h"

namespace osmia::jit {

class Unwind {
 public:
  // A function (or thunk) begins: the frame is what the call left. `at`: offset in the code.
  void function(size_t at) { rows_.push_back({Row::kFunction, 0, offset(at), 0}); }
  // From here on the frame begins (the caller's stack pointer at the call) `bytes` above register `reg`.
  void frame(size_t at, u8 reg, u32 bytes) { rows_.push_back({Row::kFrame, reg, offset(at), bytes}); }
  // The caller's `reg` lies `below` bytes under the frame's beginning, until the function ends.
  void saved(size_t at, u8 reg, u32 below) { rows_.push_back({Row::kSaved, reg, offset(at), below}); }
  // The prologue ends: behind each epilogue the frame is again as here.
  void body_begins();
  void body(size_t at) {
    if (has_body_) rows_.push_back({body_.kind, body_.reg, offset(at), body_.bytes});
  }

  // The section's contents for code at `base` that is `end` bytes long.
  std::vector<char> debug_frame(u64 base, u32 end) const;

 private:
  struct Row {
    enum Kind : u8 { kFunction, kFrame, kSaved } kind;
    u8 reg;
    u32 at, bytes;
  };
  static u32 offset(size_t at) { return static_cast<u32>(at); }
  std::vector<Row> rows_;
  Row body_{};
  bool has_body_ = false;
};

// DWARF's numbers.
#if defined(__aarch64__)
inline constexpr u8 kDwarfSp = 31, kDwarfReturn = 30;
inline constexpr u32 kDwarfFrameAtCall = 0;
#else
inline constexpr u8 kDwarfSp = 7, kDwarfReturn = 16;
inline constexpr u32 kDwarfFrameAtCall = 8;
#endif
// Of a register by its number in instructions.
constexpr u8 dwarf_reg(u32 id) {
#if defined(__aarch64__)
  return static_cast<u8>(id);
#else
  constexpr u8 kOrder[] = {0, 2, 1, 3, 7, 6, 4, 5};  // rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi
  return id < 8 ? kOrder[id] : static_cast<u8>(id);
#endif
}

}  // namespace osmia::jit
