// x86-64 for the allocator: registers, what takes immediates, what is destroyed. r10 and r11 are the
// emitter's own.
#pragma once
#include "jit/common/allocate.h"

namespace osmia::jit::x86_64 {

enum HostReg : u8 {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8x,
  kR9x,
  kR10x,
  kR11x,
  kR12x,
  kR13x,
  kR14x,
  kR15x
};
inline constexpr u32 kCalleeSaved = 1u << kRbx | 1u << kRbp | 0xfu << kR12x;

struct Cpu {
  bool bmi2 = false, bmi1 = false, movbe = false;
};
const Cpu& cpu();
const Machine& machine();
inline bool fits32(s64 v) {
  return v == static_cast<s32>(v);
}

}  // namespace osmia::jit::x86_64
