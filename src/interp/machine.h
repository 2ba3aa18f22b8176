// The machine's private parts, shared by compile.cpp and machine.cpp.
#pragma once
#include "interp/decode.h"
#include "interp/interp.h"

namespace osmia::interp {

struct Code::Op {
  const void* go = nullptr;  // where the machine's code for it is
  s64 imm = 0;
  s64 target = 0;  // jumps: operation; calls: subprogram
  s16 off = 0;
  u8 dst = 0, src = 0;
  OpCode code = OpCode::kExit;
  u32 insn = 0;  // index in the ExecProgram
};

struct Machine {
  static void link(Code& code, u32 ops);
  static u64 callback_entry(const rewrite::BpfCallback* cb, u64, u64, u64, u64, u64);
  // Runs from operation pc with the registers given; returns r0. `tail_calls`: those of the whole run so far
  // (Linux counts them over all frames). `labels`: only fills the dispatch table.
  static u64 exec(const Code* code, u32 pc, u64* regs, u32 subprog, u32* tail_calls, const void** labels);
};

}  // namespace osmia::interp
