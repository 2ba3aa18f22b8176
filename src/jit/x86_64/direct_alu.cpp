// Arithmetic of the direct tier (RFC 9669, section 4.1 and 4.2).
#include "jit/x86_64/direct.h"
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

using namespace isa;
using namespace asmjit;

namespace {

x86::Gp sized(const x86::Gp& r, bool wide) {
  return wide ? x86::Gp(r) : x86::Gp(r.r32());
}

}  // namespace

Status Direct::alu(const Insn& in) {
  const bool wide = in.cls() == kAlu64;
  const Gp d = reg(in.dst, wide), s = reg(in.src, wide);
  const bool x = in.is_reg_src();
  switch (in.op()) {
    case kAdd: x ? a_.add(d, s) : a_.add(d, in.imm); break;
    case kSub: x ? a_.sub(d, s) : a_.sub(d, in.imm); break;
    case kOr: x ? a_.or_(d, s) : a_.or_(d, in.imm); break;
    case kAnd: x ? a_.and_(d, s) : a_.and_(d, in.imm); break;
    case kXor: x ? a_.xor_(d, s) : a_.xor_(d, in.imm); break;
    case kMul: x ? a_.imul(d, s) : a_.imul(d, d, in.imm); break;
    case kNeg: a_.neg(d); break;
    case kLsh:
    case kRsh:
    case kArsh: shift(in, wide); break;
    case kDiv:
    case kMod: divide(in, wide); break;
    case kEnd: endian(in); break;
    case kMov:
      if (!x) {
        load_constant(a_, reg(in.dst),
                      wide ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm));
      } else if (in.off == 0) {
        a_.mov(d, s);
      } else if (in.off == 8) {
        a_.movsx(d, reg(in.src).r8Lo());
      } else if (in.off == 16) {
        a_.movsx(d, reg(in.src).r16());
      } else if (in.off == 32) {
        wide ? a_.movsxd(d, reg32(in.src)) : a_.mov(d, s);
      } else {
        return Error{EINVAL, {}};
      }
      break;
    default: return Error{EINVAL, {}};
  }
  return Ok{};
}

void Direct::endian(const Insn& in) {
  const bool swap = in.cls() == kAlu64 || in.is_reg_src();  // unconditional, or to big endian
  const Gp d = reg(in.dst);
  if (in.imm == 16) {
    if (swap) a_.rol(d.r16(), 8);
    a_.movzx(d.r32(), d.r16());
  } else if (in.imm == 32) {
    swap ? a_.bswap(d.r32()) : a_.mov(d.r32(), d.r32());
  } else if (swap) {
    a_.bswap(d);
  }
}

void Direct::shift(const Insn& in, bool wide) {
  const Gp d = reg(in.dst, wide), s = reg(in.src, wide);
  const u8 op = in.op();
  auto by = [&](const auto& count) {
    op == kLsh ? a_.shl(d, count) : op == kRsh ? a_.shr(d, count) : a_.sar(d, count);
  };
  if (!in.is_reg_src()) {
    by(imm(in.imm & (wide ? 63 : 31)));
    if (!wide && !(in.imm & 31)) a_.mov(d, d);  // a shift by nothing clears nothing
  } else if (cpu().bmi2) {
    op == kLsh ? a_.shlx(d, d, s) : op == kRsh ? a_.shrx(d, d, s) : a_.sarx(d, d, s);
  } else {  // the count must be in cl, which is r4
    const Gp t = sized(x86::r10, wide), count = s;
    a_.mov(x86::r11, x86::rcx);
    a_.mov(t, d);
    if (count.id() != x86::rcx.id()) a_.mov(x86::ecx, count.r32());
    op == kLsh ? a_.shl(t, x86::cl) : op == kRsh ? a_.shr(t, x86::cl) : a_.sar(t, x86::cl);
    if (!wide) a_.mov(x86::r10d, x86::r10d);  // a count of zero leaves the upper half
    a_.mov(x86::rcx, x86::r11);
    a_.mov(reg(in.dst), x86::r10);
  }
}

// x / 0 = 0, x % 0 = x, and MIN / -1 = MIN without the trap that the processor has for it.
void Direct::divide(const Insn& in, bool wide) {
  const bool is_signed = in.off == 1, modulo = in.op() == kMod;
  const Gp d = reg(in.dst, wide), by = sized(x86::r9, wide);
  const Gp rax = sized(x86::rax, wide), rdx = sized(x86::rdx, wide);
  if (in.is_reg_src())
    a_.mov(by, reg(in.src, wide));
  else
    load_constant(a_, x86::r9, wide ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm));
  Label zero = a_.newLabel(), minus_one = a_.newLabel(), done = a_.newLabel();
  a_.test(by, by);
  a_.jz(zero);
  if (is_signed) {
    a_.cmp(by, -1);
    a_.je(minus_one);
  }
  a_.mov(x86::r10, x86::rax);
  a_.mov(x86::r11, x86::rdx);
  if (d.id() != rax.id()) a_.mov(rax, d);
  if (is_signed) {
    wide ? a_.cqo() : a_.cdq();
    a_.idiv(by);
  } else {
    a_.xor_(x86::edx, x86::edx);
    a_.div(by);
  }
  a_.mov(by, modulo ? rdx : rax);
  a_.mov(x86::rax, x86::r10);
  a_.mov(x86::rdx, x86::r11);
  a_.mov(d, by);
  a_.jmp(done);
  a_.bind(minus_one);
  if (is_signed) {
    modulo ? a_.xor_(d.r32(), d.r32()) : a_.neg(d);
    a_.jmp(done);
  }
  a_.bind(zero);
  if (!modulo)
    a_.xor_(d.r32(), d.r32());
  else if (!wide)
    a_.mov(d, d);
  a_.bind(done);
}

}  // namespace osmia::jit::x86_64
