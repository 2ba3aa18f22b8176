// Jumps and calls of the direct tier (RFC 9669, section 4.3).
#include "jit/x86_64/direct.h"
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

using namespace isa;
using namespace asmjit;

Status Direct::branch(const Insn& in, const Label& target) {
  const bool wide = in.cls() == kJmp;
  const Gp d = reg(in.dst, wide), s = reg(in.src, wide);
  const bool zero = !in.is_reg_src() && in.imm == 0;
  if (in.op() == kJset) {
    in.is_reg_src() ? a_.test(d, s) : a_.test(d, in.imm);
  } else if (zero) {
    a_.test(d, d);
  } else {
    in.is_reg_src() ? a_.cmp(d, s) : a_.cmp(d, in.imm);
  }
  switch (in.op()) {
    case kJeq: a_.je(target); break;
    case kJset:
    case kJne: a_.jne(target); break;
    case kJgt: a_.ja(target); break;
    case kJge: a_.jae(target); break;
    case kJlt: a_.jb(target); break;
    case kJle: a_.jbe(target); break;
    case kJsgt: a_.jg(target); break;
    case kJsge: a_.jge(target); break;
    case kJslt: a_.jl(target); break;
    case kJsle: a_.jle(target); break;
    default: return Error{EINVAL, {}};
  }
  return Ok{};
}

void Direct::go(const Label& target) {
  a_.jmp(target);
}

void Direct::go_if_set(s32 thread_word, const Label& target) {
  a_.cmp(thread_word_at(thread_word), 0);
  a_.jne(target);
}

void Direct::leave() {
  epilogue();
  a_.ret();
}

void Direct::may_goto(const Label& target) {
  a_.inc(x86::dword_ptr(x86::rbp, rounds_at_));
  a_.cmp(x86::dword_ptr(x86::rbp, rounds_at_), kMayGotoLimit);
  a_.ja(target);
}

void Direct::call_native(const void* fn) {
  load_constant(a_, x86::rax, reinterpret_cast<u64>(fn));
  a_.call(x86::rax);
}

void Direct::call_subprog(u32 s) {
  if (passes_counter_) a_.mov(x86::r9, x86::qword_ptr(x86::rbp, counter_at_));
  a_.call(out_.entries[s]);
}

// r1 the context, r2 the prog array, r3 the index. The frame goes before the target runs.
void Direct::tail_call() {
  Label fails = a_.newLabel();
  a_.mov(x86::qword_ptr(x86::rbp, ctx_at_), x86::rdi);
  a_.mov(x86::rdi, x86::rsi);
  a_.mov(x86::esi, x86::edx);
  a_.mov(x86::rdx, x86::qword_ptr(x86::rbp, counter_at_));
  call_native(reinterpret_cast<const void*>(out_.options.tail_call));
  a_.test(x86::rax, x86::rax);
  a_.jz(fails);
  a_.mov(x86::rdi, x86::qword_ptr(x86::rbp, ctx_at_));
  a_.mov(x86::r9, x86::qword_ptr(x86::rbp, counter_at_));
  epilogue();
  a_.jmp(x86::rax);
  a_.bind(fails);
  a_.mov(x86::rax, -2);  // ENOENT
}

}  // namespace osmia::jit::x86_64
