// What ALU and jump instructions compute (RFC 9669), written apart from interp/ so that each checks the
// other.
#pragma once
#include "isa/insn.h"

namespace osmia::soundness {

// The new dst from dst and src; `b` is the source register's value or the sign-extended immediate.
u64 compute(const isa::Insn& in, u64 a, u64 b);
// Is the conditional jump taken?
bool compare(const isa::Insn& in, u64 a, u64 b);

// What an atomic operation leaves in memory: `old` was there, `src` and `r0` are the registers, of the
// operation's width. An unknown operation leaves what was there.
u64 atomic_result(s32 operation, u64 old, u64 src, u64 r0);

}  // namespace osmia::soundness
