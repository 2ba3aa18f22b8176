// x86-64 for the allocator: registers, what takes immediates, what is destroyed. r10 and r11 are the
// emitter's own.
#pragma once
#include <asmjit/x86.h>

#include "jit/common/allocate.h"
#include "jit/common/image_builder.h"

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

// The shortest instruction that makes a constant; destroys the flags.
void load_constant(asmjit::x86::Assembler& a, const asmjit::x86::Gp& to, u64 v);

// The u32 that lies so many bytes from the thread pointer.
asmjit::x86::Mem thread_word_at(s32 off);

// How helpers call subprogram s: call(object, a1 … a5). Where it `counts` tail calls, it has a count of its
// own.
void emit_callback_thunk(ImageBuilder& out, asmjit::x86::Assembler& a, u32 s, bool counts);

}  // namespace osmia::jit::x86_64
