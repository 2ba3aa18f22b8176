// Loads, stores and atomics of the direct tier (RFC 9669, section 5).
#include "jit/x86_64/direct.h"

namespace osmia::jit::x86_64 {

using namespace isa;
using namespace asmjit;

Direct::Mem Direct::at(u8 base, s16 off, u32 bytes) const {
  return x86::ptr(reg(base), off, bytes);
}

Status Direct::memory(const Insn& in) {
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  if (in.cls() == kStx && in.mode() == kAtomic) return atomic(in);
  if (in.cls() == kLdx) {
    const bool probe = in.mode() == kProbeMem || in.mode() == kProbeMemsx;
    const bool sx = in.mode() == kMemsx || in.mode() == kProbeMemsx;
    if (!probe && in.mode() != kMem && in.mode() != kMemsx) return Error{EINVAL, {}};
    const Mem m = at(in.src, in.off, bytes);
    const Gp d = reg(in.dst);
    const u32 start = static_cast<u32>(a_.offset());
    switch (bytes) {
      case 1: sx ? a_.movsx(d, m) : a_.movzx(d.r32(), m); break;
      case 2: sx ? a_.movsx(d, m) : a_.movzx(d.r32(), m); break;
      case 4: sx ? a_.movsxd(d, m) : a_.mov(d.r32(), m); break;
      default: a_.mov(d, m);
    }
    if (probe || in_arena()) {  // a fault resumes at the line that makes the result zero
      Label fixed = a_.newLabel(), done = a_.newLabel();
      a_.jmp(done);
      a_.bind(fixed);
      a_.xor_(d.r32(), d.r32());
      a_.bind(done);
      out_.faults.push_back({start, fixed, in_arena()});
    }
    return Ok{};
  }
  if (in.mode() != kMem) {
    if (in.cls() != kSt || in.mode() != kAtomic) return Error{EINVAL, {}};
    a_.lfence();  // speculation barrier
    return Ok{};
  }
  const Mem m = at(in.dst, in.off, bytes);
  const u32 start = static_cast<u32>(a_.offset());
  if (in.cls() == kSt) {
    a_.mov(m, imm(bytes == 1 ? static_cast<s8>(in.imm) : bytes == 2 ? static_cast<s16>(in.imm) : in.imm));
  } else {
    const Gp s = reg(in.src);
    a_.mov(m, bytes == 1 ? s.r8Lo() : bytes == 2 ? s.r16() : bytes == 4 ? s.r32() : s);
  }
  skip_fault(start);
  return Ok{};
}

Status Direct::atomic(const Insn& in) {
  const bool wide = in.size_bits() == kDw;
  if (!wide && in.size_bits() != kW) return Error{EINVAL, {}};
  const Mem m = at(in.dst, in.off, wide ? 8 : 4);
  const Gp s = reg(in.src, wide);
  if (in.imm == kCmpxchg && !wide) a_.mov(x86::eax, x86::eax);  // where equal, the processor leaves r0 alone
  const u32 start = static_cast<u32>(a_.offset());
  switch (in.imm) {
    case kAdd: a_.lock().add(m, s); break;
    case kOr: a_.lock().or_(m, s); break;
    case kAnd: a_.lock().and_(m, s); break;
    case kXor: a_.lock().xor_(m, s); break;
    case kAdd | kFetch: a_.lock().xadd(m, s); break;
    case kXchg: a_.xchg(m, s); break;
    case kCmpxchg: a_.lock().cmpxchg(m, s); break;
    case kOr | kFetch:
    case kAnd | kFetch:
    case kXor | kFetch: fetch_loop(in, m, wide); return Ok{};
    default: return Error{EINVAL, {}};
  }
  skip_fault(start);
  return Ok{};
}

// No instruction gives the old value of these: a compare-and-exchange loop, with r0 kept aside.
void Direct::fetch_loop(const Insn& in, const Mem& memory, bool wide) {
  auto sized = [&](const Gp& r) { return wide ? r : Gp(r.r32()); };
  const Gp old = sized(x86::rax), next = sized(x86::r10), operand = sized(x86::r11);
  Mem m = memory;
  a_.mov(x86::r9, x86::rax);
  a_.mov(x86::r11, reg(in.src));
  if (in.dst == kR0) m.setBase(x86::r9);
  const u32 loads = static_cast<u32>(a_.offset());
  a_.mov(old, m);
  Label again = a_.newLabel(), faulted = a_.newLabel(), done = a_.newLabel();
  a_.bind(again);
  a_.mov(next, old);
  switch (in.imm & ~kFetch) {
    case kOr: a_.or_(next, operand); break;
    case kAnd: a_.and_(next, operand); break;
    default: a_.xor_(next, operand);
  }
  const u32 exchanges = static_cast<u32>(a_.offset());
  a_.lock().cmpxchg(m, next);
  a_.jne(again);
  a_.mov(next, old);
  if (in.src != kR0) a_.mov(x86::rax, x86::r9);
  a_.mov(reg(in.src, wide), next);
  if (!in_arena()) return;
  a_.jmp(done);
  a_.bind(faulted);  // r0 and the operand stay as they were
  a_.mov(x86::rax, x86::r9);
  a_.bind(done);
  for (const u32 at : {loads, exchanges}) out_.faults.push_back({at, faulted, true});
}

}  // namespace osmia::jit::x86_64
