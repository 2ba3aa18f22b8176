// Loads, stores, atomics.
#include <algorithm>

#include "jit/arm64/emit.h"

namespace osmia::jit::arm64 {

using namespace asmjit;

Emitter::Mem Emitter::address(const Node& n, bool keep_x17) {
  const bool frame = place(n.a).kind == Place::kFrame;
  Gp base = frame ? Gp(a64::sp) : use(n.a, a64::x16);
  const s64 off = n.imm + (frame ? frame_ : 0);
  if (n.b != kNoVal && n.op != Op::kAtomic) {
    const Gp index = use(n.b, a64::x17);
    const arm::Shift by = arm::lsl(n.scale);
    if (!frame && !off && (!n.scale || 1u << n.scale == n.bytes) &&
        !(keep_x17 && index.id() == a64::x17.id()))
      return a64::ptr(base, index, by);
    a_.add(a64::x16, base, index, by);
    base = a64::x16;
  }
  if (n.op != Op::kAtomic && fits_offset(off, n.bytes)) return a64::ptr(base, static_cast<s32>(off));
  if (n.op != Op::kAtomic && !keep_x17) {
    load_constant(a_, a64::x17, static_cast<u64>(off));
    return a64::ptr(base, a64::x17);
  }
  if (off) {
    add_constant(a_, a64::x16, base, off, a64::x17);
    base = a64::x16;
  } else if (frame) {
    a_.mov(a64::x16, a64::sp);
    base = a64::x16;
  }
  return a64::ptr(base);
}

// Two loads or two stores of neighbours, one after the other, are one instruction.
bool Emitter::pair(const Gp& reg, const Mem& m, u32 bytes, bool is_load) {
  const Access last = last_;
  last_ = {};
  if (bytes < 4 || m.hasIndexReg()) return false;
  const s32 off = static_cast<s32>(m.offset()), size = static_cast<s32>(bytes);
  last_ = {static_cast<u32>(a_.offset()) + 4, block_, bytes, is_load, reg, m.baseId(), off};
  if (last.end != a_.offset() || last.block != block_ || last.bytes != bytes || last.is_load != is_load ||
      last.base != m.baseId() || (off != last.off + size && off != last.off - size))
    return false;
  if (is_load && (last.reg.id() == reg.id() || last.reg.id() == last.base)) return false;
  const s32 low = std::min(off, last.off);
  if (low % size || low / size < -64 || low / size > 63) return false;
  const Gp first = sized(low == off ? reg : last.reg, static_cast<u8>(bytes * 8));
  const Gp second = sized(low == off ? last.reg : reg, static_cast<u8>(bytes * 8));
  const Mem both = m.cloneAdjusted(low - off);
  a_.setOffset(a_.offset() - 4);
  is_load ? a_.ldp(first, second, both) : a_.stp(first, second, both);
  last_ = {};
  return true;
}

void Emitter::load(Val v) {
  const Node& n = at(v);
  const Gp d = target(v, a64::x16), s = sized(d, n.width);
  const Mem m = address(n, false);
  const u32 start = static_cast<u32>(a_.offset());
  const bool sx = n.flags & kSigned;
  if (!sx && !(n.flags & kProbe) && place(v).kind == Place::kReg && pair(d, m, n.bytes, true)) return;
  switch (n.bytes) {
    case 1: sx ? a_.ldrsb(s, m) : a_.ldrb(d.w(), m); break;
    case 2: sx ? a_.ldrsh(s, m) : a_.ldrh(d.w(), m); break;
    case 4: sx&& n.width == 64 ? a_.ldrsw(d, m) : a_.ldr(d.w(), m); break;
    default: a_.ldr(d, m);
  }
  if (n.flags & kProbe) {
    Label fault = a_.newLabel(), back = a_.newLabel();
    a_.bind(back);
    cold_.push_back({fault, back, d});
    out_.faults.push_back({start, fault, (n.flags & kArena) != 0});
  }
  done(v, d);
}

void Emitter::thread_word(Val v) {
  const Gp d = target(v, a64::x16);
  load_thread_word(a_, d, static_cast<s32>(at(v).imm), a64::x17);
  done(v, d);
}

void Emitter::store(Val v) {
  const Node& n = at(v);
  const bool zero = f_->is_const(n.c) && !at(n.c).imm;
  const bool needs_x17 = !zero && place(n.c).kind != Place::kReg;
  const Mem m = address(n, needs_x17);
  Gp c = a64::xzr;
  if (!zero) {
    c = needs_x17 ? Gp(a64::x17) : gp(place(n.c).reg);
    if (needs_x17) {
      if (f_->is_const(n.c) && n.bytes < 8)  // no more of it than is stored
        load_constant(a_, c, static_cast<u64>(at(n.c).imm) & ((u64{1} << n.bytes * 8) - 1));
      else
        use(n.c, c);
    }
  }
  if (n.flags & kProbe)
    last_ = {};
  else if (!needs_x17 && pair(c, m, n.bytes, false))
    return;
  const u32 start = static_cast<u32>(a_.offset());
  switch (n.bytes) {
    case 1: a_.strb(c.w(), m); break;
    case 2: a_.strh(c.w(), m); break;
    case 4: a_.str(c.w(), m); break;
    default: a_.str(c.x(), m);
  }
  skip_fault(n, start);
}

// x13 to x15 are free here, and hold no operand (machine.cpp); the result's register may be one of them.
void Emitter::atomic(Val v) {
  const Node& n = at(v);
  const s32 what = static_cast<s32>(n.extra);
  const Mem m = address(n, true);
  const Gp c = use(n.c, a64::x17), old = a64::x14;
  if (what == isa::kCmpxchg) move(move_to({Place::kReg, 14, 0}, n.b));
  std::vector<u32> faults;
  if (!emit_atomic(a_, what, n.width == 64, {a64::x(m.baseId()), c, old, a64::x13, a64::x14, a64::x15},
                   &faults))
    unknown_ = true;
  for (const u32 at : faults) skip_fault(n, at);
  if (!(what & isa::kFetch)) return;
  const Gp d = target(v, old);
  if (d.id() != old.id() && place(v).kind == Place::kReg) a_.mov(d, old);
  done(v, d);
}

}  // namespace osmia::jit::arm64
