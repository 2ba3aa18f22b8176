// Arithmetic of the direct tier (RFC 9669, section 4.1 and 4.2). Shifts by a register, and division by zero
// and of MIN by -1, are on this CPU what BPF wants.
#include "jit/arm64/direct.h"
#include "jit/arm64/machine.h"

namespace osmia::jit::arm64 {

using namespace isa;
using namespace asmjit;

Direct::Gp Direct::operand(const Insn& in, bool wide) {
  if (in.is_reg_src()) return reg(in.src, wide);
  load_constant(a_, a64::x9, wide ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm));
  return wide ? Gp(a64::x9) : Gp(a64::w9);
}

Status Direct::alu(const Insn& in) {
  const bool wide = in.cls() == kAlu64, x = in.is_reg_src();
  const Gp d = reg(in.dst, wide);
  const u64 k = wide ? static_cast<u64>(static_cast<s64>(in.imm)) : static_cast<u32>(in.imm);
  const u64 minus = wide ? 0 - k : static_cast<u32>(0 - k);
  const bool logical = !x && fits_logical(k, wide ? 64 : 32);
  const u32 by = static_cast<u32>(in.imm) & (wide ? 63 : 31);
  switch (in.op()) {
    case kAdd:
    case kSub: {
      const bool add = in.op() == kAdd;
      if (!x && fits_add(k))
        add ? a_.add(d, d, imm(k)) : a_.sub(d, d, imm(k));
      else if (!x && fits_add(minus))
        add ? a_.sub(d, d, imm(minus)) : a_.add(d, d, imm(minus));
      else
        add ? a_.add(d, d, operand(in, wide)) : a_.sub(d, d, operand(in, wide));
      break;
    }
    case kOr: logical ? a_.orr(d, d, imm(k)) : a_.orr(d, d, operand(in, wide)); break;
    case kAnd: logical ? a_.and_(d, d, imm(k)) : a_.and_(d, d, operand(in, wide)); break;
    case kXor: logical ? a_.eor(d, d, imm(k)) : a_.eor(d, d, operand(in, wide)); break;
    case kMul: a_.mul(d, d, operand(in, wide)); break;
    case kNeg: a_.neg(d, d); break;
    case kLsh: x ? a_.lsl(d, d, reg(in.src, wide)) : a_.lsl(d, d, imm(by)); break;
    case kRsh: x ? a_.lsr(d, d, reg(in.src, wide)) : a_.lsr(d, d, imm(by)); break;
    case kArsh: x ? a_.asr(d, d, reg(in.src, wide)) : a_.asr(d, d, imm(by)); break;
    case kDiv:
    case kMod: divide(in, wide); break;
    case kEnd: endian(in); break;
    case kMov:
      if (!x) {
        load_constant(a_, reg(in.dst), k);
      } else if (in.off == 0) {
        a_.mov(d, reg(in.src, wide));
      } else if (in.off == 8) {
        a_.sxtb(d, reg32(in.src));
      } else if (in.off == 16) {
        a_.sxth(d, reg32(in.src));
      } else if (in.off == 32) {
        wide ? a_.sxtw(d, reg32(in.src)) : a_.mov(d, reg32(in.src));
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
  const Gp d = reg(in.dst), w = reg32(in.dst);
  if (in.imm == 16) {
    if (swap) a_.rev16(w, w);
    a_.uxth(w, w);
  } else if (in.imm == 32) {
    swap ? a_.rev(w, w) : a_.mov(w, w);
  } else if (swap) {
    a_.rev(d, d);
  }
}

// The processor gives x / 0 = 0 and MIN / -1 = MIN; x - 0 * 0 = x and MIN - MIN * -1 = 0 follow.
void Direct::divide(const Insn& in, bool wide) {
  const Gp d = reg(in.dst, wide), by = operand(in, wide);
  const bool modulo = in.op() == kMod;
  const Gp quotient = !modulo ? d : wide ? Gp(a64::x10) : Gp(a64::w10);
  in.off == 1 ? a_.sdiv(quotient, d, by) : a_.udiv(quotient, d, by);
  if (modulo) a_.msub(d, quotient, by, d);
}

}  // namespace osmia::jit::arm64
