// Loads, stores and atomics of the direct tier (RFC 9669, section 5).
#include "jit/arm64/direct.h"
#include "jit/arm64/machine.h"

namespace osmia::jit::arm64 {

using namespace isa;
using namespace asmjit;

Direct::Mem Direct::at(u8 base, s16 off, u32 bytes) {
  if (fits_offset(off, bytes)) return a64::ptr(reg(base), off);
  load_constant(a_, a64::x9, static_cast<s64>(off));
  return a64::ptr(reg(base), a64::x9);
}

Status Direct::memory(const Insn& in) {
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  if (in.cls() == kStx && in.mode() == kAtomic) return atomic(in);
  if (in.cls() == kLdx) {
    const bool probe = in.mode() == kProbeMem || in.mode() == kProbeMemsx;
    const bool sx = in.mode() == kMemsx || in.mode() == kProbeMemsx;
    if (!probe && in.mode() != kMem && in.mode() != kMemsx) return Error{EINVAL, {}};
    const Mem m = at(in.src, in.off, bytes);
    const Gp d = reg(in.dst), w = reg32(in.dst);
    const u32 start = static_cast<u32>(a_.offset());
    switch (bytes) {
      case 1: sx ? a_.ldrsb(d, m) : a_.ldrb(w, m); break;
      case 2: sx ? a_.ldrsh(d, m) : a_.ldrh(w, m); break;
      case 4: sx ? a_.ldrsw(d, m) : a_.ldr(w, m); break;
      default: a_.ldr(d, m);
    }
    if (probe || in_arena()) {  // a fault resumes at the line that makes the result zero
      Label fixed = a_.newLabel(), done = a_.newLabel();
      a_.b(done);
      a_.bind(fixed);
      a_.mov(d, a64::xzr);
      a_.bind(done);
      out_.faults.push_back({start, fixed, in_arena()});
    }
    return Ok{};
  }
  if (in.mode() != kMem) {
    if (in.cls() != kSt || in.mode() != kAtomic) return Error{EINVAL, {}};
    a_.dsb(imm(0xf));  // speculation barrier: of the whole system
    a_.isb(imm(0xf));
    return Ok{};
  }
  Gp s = a64::xzr;
  if (in.cls() == kStx) {
    s = reg(in.src);
  } else if (in.imm) {
    s = a64::x10;
    load_constant(a_, s, static_cast<s64>(in.imm));
  }
  const Mem m = at(in.dst, in.off, bytes);
  const u32 start = static_cast<u32>(a_.offset());
  switch (bytes) {
    case 1: a_.strb(s.w(), m); break;
    case 2: a_.strh(s.w(), m); break;
    case 4: a_.str(s.w(), m); break;
    default: a_.str(s, m);
  }
  skip_fault(start);
  return Ok{};
}

Status Direct::atomic(const Insn& in) {
  const bool wide = in.size_bits() == kDw;
  if (!wide && in.size_bits() != kW) return Error{EINVAL, {}};
  Gp address = reg(in.dst);
  if (in.off) {
    address = a64::x9;
    add_constant(a_, address, reg(in.dst), in.off, a64::x10);
  }
  const Gp s = reg(in.src), old = in.imm == kCmpxchg ? reg(kR0) : s;
  std::vector<u32> faults;
  if (!emit_atomic(a_, in.imm, wide, {address, s, old, a64::x10, a64::x11, a64::x12}, &faults))
    return Error{EINVAL, {}};
  for (const u32 start : faults) skip_fault(start);
  return Ok{};
}

}  // namespace osmia::jit::arm64
