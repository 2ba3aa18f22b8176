// What of arm64 both tiers need: which constants an instruction takes, what this processor has. x16 and x17
// are the emitters' own (with x9 to x15 in the direct tier).
#pragma once
#include "jit/arm64/asmjit_a64.h"

#include "jit/common/allocate.h"
#include "jit/common/image_builder.h"

namespace osmia::jit::arm64 {

struct Cpu {
  bool lse = false;  // atomics in one instruction
};
const Cpu& cpu();
const Machine& machine();

// fuse.cpp: marks what becomes part of its user (kFolded), and takes it out of the order.
void fuse(Function& f);
// How many low bits this zero-extension or mask keeps; 0: it is neither.
u32 field_bits(const Function& f, const Node& n);

// k of a multiplication by 2^k + 1, which is a sum; 0: it is none.
u32 sum_with_shift(const Function& f, const Node& n);

// A constant that add, sub and cmp take.
inline bool fits_add(u64 v) {
  return v < 0x1000 || (!(v & 0xfff) && v < 0x1000000);
}
// A constant that and, orr, eor and tst take.
bool fits_logical(u64 v, u8 width);
// An offset that one load or store of so many bytes takes.
inline bool fits_offset(s64 off, u32 bytes) {
  return (off >= -256 && off < 256) || (off >= 0 && off % bytes == 0 && off / bytes < 4096);
}

// Code that is not longer needs no far conditional jumps (they reach 1 MiB).
inline constexpr size_t kMaxCode = 1 << 20;

// How helpers call subprogram s: call(object, a1 … a5). Where it `counts` tail calls, it has a count of its
// own.
void emit_callback_thunk(ImageBuilder& out, asmjit::a64::Assembler& a, u32 s, bool counts);

// to = the u32 that lies so many bytes from the thread pointer; `scratch` is another register.
void load_thread_word(asmjit::a64::Assembler& a, const asmjit::a64::Gp& to, s32 off,
                      const asmjit::a64::Gp& scratch);

// The shortest sequence of instructions that makes a constant.
void load_constant(asmjit::a64::Assembler& a, const asmjit::a64::Gp& to, u64 v);

// to = from + v, where `to` and `from` may be sp; `scratch` for what no instruction takes.
void add_constant(asmjit::a64::Assembler& a, const asmjit::a64::Gp& to, const asmjit::a64::Gp& from, s64 v,
                  const asmjit::a64::Gp& scratch);

// One BPF atomic operation `what` (its imm) on [address], as one instruction or as a loop. `old` takes the
// old value where the operation fetches (it may be `operand`; for a compare-and-exchange it holds what is
// expected). t0 to t2 are destroyed; they are none of the others.
struct AtomicRegs {
  asmjit::a64::Gp address, operand, old, t0, t1, t2;
};
// `faults`: takes the offsets of what touches the memory.
bool emit_atomic(asmjit::a64::Assembler& a, s32 what, bool wide, const AtomicRegs& r,
                 std::vector<u32>* faults);

}  // namespace osmia::jit::arm64
