// Jumps and calls of the direct tier (RFC 9669, section 4.3).
#include "jit/arm64/direct.h"
#include "jit/arm64/machine.h"

namespace osmia::jit::arm64 {

using namespace isa;
using namespace asmjit;

Status Direct::branch(const Insn& in, const Label& target) {
  const bool wide = in.cls() == kJmp;
  const Gp d = reg(in.dst, wide);
  const bool x = in.is_reg_src();
  const u64 k = wide ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm);
  const u64 minus = wide ? 0 - k : static_cast<u32>(0 - k);
  if (!x && !k && (in.op() == kJeq || in.op() == kJne)) {
    in.op() == kJeq ? a_.cbz(d, target) : a_.cbnz(d, target);
    return Ok{};
  }
  if (in.op() == kJset) {
    !x&& fits_logical(k, wide ? 64 : 32) ? a_.tst(d, imm(k)) : a_.tst(d, operand(in, wide));
  } else if (!x && fits_add(k)) {
    a_.cmp(d, imm(k));
  } else if (!x && fits_add(minus)) {
    a_.cmn(d, imm(minus));
  } else {
    a_.cmp(d, operand(in, wide));
  }
  switch (in.op()) {
    case kJeq: a_.b_eq(target); break;
    case kJset:
    case kJne: a_.b_ne(target); break;
    case kJgt: a_.b_hi(target); break;
    case kJge: a_.b_hs(target); break;
    case kJlt: a_.b_lo(target); break;
    case kJle: a_.b_ls(target); break;
    case kJsgt: a_.b_gt(target); break;
    case kJsge: a_.b_ge(target); break;
    case kJslt: a_.b_lt(target); break;
    case kJsle: a_.b_le(target); break;
    default: return Error{EINVAL, {}};
  }
  return Ok{};
}

void Direct::go(const Label& target) {
  a_.b(target);
}

void Direct::go_if_set(s32 thread_word, const Label& target) {
  load_thread_word(a_, a64::w10, thread_word, a64::x9);
  a_.cbnz(a64::w10, target);
}

void Direct::leave() {
  a_.mov(a64::x0, reg(kR0));
  epilogue();
  a_.ret(a64::x30);
}

void Direct::may_goto(const Label& target) {
  static_assert(!(kMayGotoLimit & 0xfff) && kMayGotoLimit < 0x1000000);
  a_.ldr(a64::w9, word(rounds_at_));
  a_.add(a64::w9, a64::w9, imm(1));
  a_.str(a64::w9, word(rounds_at_));
  a_.cmp(a64::w9, imm(kMayGotoLimit));
  a_.b_hi(target);
}

void Direct::call_native(const void* fn) {
  load_constant(a_, a64::x16, reinterpret_cast<u64>(fn));
  a_.blr(a64::x16);
  a_.mov(reg(kR0), a64::x0);
}

void Direct::call_subprog(u32 s) {
  if (passes_counter_) a_.ldr(a64::x5, word(counter_at_));
  a_.bl(out_.entries[s]);
  a_.mov(reg(kR0), a64::x0);
}

// r1 the context, r2 the prog array, r3 the index. The frame goes before the target runs.
void Direct::tail_call() {
  Label fails = a_.newLabel();
  a_.str(a64::x0, word(ctx_at_));
  a_.mov(a64::x0, a64::x1);
  a_.mov(a64::w1, a64::w2);
  a_.ldr(a64::x2, word(counter_at_));
  load_constant(a_, a64::x16, reinterpret_cast<u64>(out_.options.tail_call));
  a_.blr(a64::x16);
  a_.cbz(a64::x0, fails);
  a_.mov(a64::x16, a64::x0);
  a_.ldr(a64::x0, word(ctx_at_));
  a_.ldr(a64::x5, word(counter_at_));
  epilogue();
  a_.br(a64::x16);
  a_.bind(fails);
  load_constant(a_, reg(kR0), -2);  // ENOENT
}

}  // namespace osmia::jit::arm64
