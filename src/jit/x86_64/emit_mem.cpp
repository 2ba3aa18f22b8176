// Loads, stores, read-modify-write, atomics.
#include "jit/x86_64/emit.h"

#include "base/bits.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

Emitter::Mem Emitter::address(const Node& n) {
  const s32 disp = static_cast<s32>(n.imm);
  const u32 bytes = n.op == Op::kLea ? 0 : n.bytes;
  const bool frame = n.a != kNoVal && place(n.a).kind == Place::kFrame;
  const Gp base = frame ? Gp(x86::rsp) : n.a != kNoVal ? use(n.a, x86::r10) : Gp();
  const s32 off = frame ? disp + static_cast<s32>(frame_) : disp;
  if (n.b == kNoVal || n.op == Op::kAtomic) return x86::ptr(base, off, bytes);
  const Gp index = use(n.b, x86::r11);
  if (n.a == kNoVal) return x86::ptr(static_cast<u64>(0), index, n.scale, bytes).cloneAdjusted(off);
  return x86::ptr(base, index, n.scale, off, bytes);
}

Operand Emitter::operand(Val v, u8 width, const Gp& scratch) {
  const Node& n = at(v);
  if (n.flags & kFolded) return address(n);
  const Place p = place(v);
  if (p.kind == Place::kReg) return gp(p.reg, width);
  if (p.kind == Place::kSlot) return word(p.slot, width / 8u);
  return sized(use(v, scratch), width);
}

void Emitter::load(Val v) {
  const Node& n = at(v);
  const Gp d = target(v, x86::r10);
  const Mem m = address(n);
  const u32 start = static_cast<u32>(a_.offset());
  const Gp wide = n.width == 64 ? Gp(d.r64()) : Gp(d.r32());
  if (n.flags & kSigned) {
    n.bytes == 4 ? a_.movsxd(d, m) : a_.movsx(wide, m);
  } else {
    switch (n.bytes) {
      case 1:
      case 2: a_.movzx(d.r32(), m); break;
      case 4: a_.mov(d.r32(), m); break;
      default: a_.mov(d, m);
    }
  }
  if (n.flags & kProbe) {
    Label fault = a_.newLabel(), back = a_.newLabel();
    a_.bind(back);
    cold_.push_back({Cold::kFault, fault, back, v, d, d});
    out_.faults.push_back({start, fault, (n.flags & kArena) != 0});
  }
  done(v, d);
}

void Emitter::thread_word(Val v) {
  const Gp d = target(v, x86::r10);
  a_.mov(d.r32(), thread_word_at(static_cast<s32>(at(v).imm)));
  done(v, d);
}

// The register of what n writes to memory, as wide as that. Both scratch registers may be in the address m,
// which then changes.
Emitter::Gp Emitter::written(const Node& n, Mem& m) {
  const bool r10 = m.hasBaseReg() && m.baseId() == kR10x, r11 = m.hasIndexReg() && m.indexId() == kR11x;
  if (place(n.c).kind != Place::kReg && r10 && r11) {
    m.setSize(0);
    a_.lea(x86::r10, m);
    m = x86::ptr(x86::r10, 0, n.bytes);
  }
  const Gp c = use(n.c, r11 && !r10 ? x86::r10 : x86::r11);
  return n.bytes == 1 ? Gp(c.r8Lo()) : n.bytes == 2 ? Gp(c.r16()) : n.bytes == 4 ? Gp(c.r32()) : Gp(c.r64());
}

void Emitter::store(Val v) {
  const Node& n = at(v);
  Mem m = address(n);
  const Place pc = place(n.c);
  if (f_->is_const(n.c) && pc.kind != Place::kReg) {
    const s64 cut = sign_extend(static_cast<u64>(at(n.c).imm), n.bytes * 8u);
    if (fits32(cut)) {
      const u32 start = static_cast<u32>(a_.offset());
      a_.mov(m, imm(cut));
      return skip_fault(n, start);
    }
  }
  const Gp c = written(n, m);
  const u32 start = static_cast<u32>(a_.offset());
  a_.mov(m, c);
  skip_fault(n, start);
}

// memory OP= c, OP in `extra`.
void Emitter::update(Val v) {
  const Node& n = at(v);
  Mem m = address(n);
  InstId inst = x86::Inst::kIdAdd;
  switch (static_cast<Op>(n.extra)) {
    case Op::kSub: inst = x86::Inst::kIdSub; break;
    case Op::kAnd: inst = x86::Inst::kIdAnd; break;
    case Op::kOr: inst = x86::Inst::kIdOr; break;
    case Op::kXor: inst = x86::Inst::kIdXor; break;
    default: break;
  }
  if (f_->is_const(n.c) && place(n.c).kind != Place::kReg) {
    const s64 cut = sign_extend(static_cast<u64>(at(n.c).imm), n.bytes * 8u);
    if (fits32(cut)) {
      a_.emit(inst, m, imm(cut));
      return;
    }
  }
  const Gp c = written(n, m);
  a_.emit(inst, m, c);
}

void Emitter::atomic(Val v) {
  const Node& n = at(v);
  const u8 w = n.width;
  const Mem m = address(n);  // through r10 at most
  auto sized = [&](const Gp& r) { return w == 64 ? Gp(r.r64()) : Gp(r.r32()); };
  const bool plain = !(n.extra & isa::kFetch) && n.extra != isa::kXchg;
  const Gp operand_reg =
      plain ? sized(use(n.c, x86::r11)) : Gp();  // before lock(): it may take an instruction
  const u32 start = static_cast<u32>(a_.offset());
  switch (static_cast<s32>(n.extra)) {
    case isa::kAdd: a_.lock().add(m, operand_reg); return skip_fault(n, start);
    case isa::kOr: a_.lock().or_(m, operand_reg); return skip_fault(n, start);
    case isa::kAnd: a_.lock().and_(m, operand_reg); return skip_fault(n, start);
    case isa::kXor: a_.lock().xor_(m, operand_reg); return skip_fault(n, start);
    case isa::kAdd | isa::kFetch:
    case isa::kXchg: {
      const Gp d = sized(target(v, x86::r11));
      const Place pc = place(n.c);
      if (pc.kind == Place::kReg)
        a_.mov(d, gp(pc.reg, w));
      else
        use(n.c, d);
      n.extra == isa::kXchg ? a_.xchg(m, d) : a_.lock().xadd(m, d);
      if (w == 32 && n.extra == isa::kXchg) a_.mov(d.r32(), d.r32());
      return done(v, d);
    }
    case isa::kCmpxchg: {
      const Gp c = sized(use(n.c, x86::r11));
      move(move_to({Place::kReg, kRax, 0}, n.b));
      if (w == 32) a_.mov(x86::eax, x86::eax);  // where equal, the processor leaves rax alone
      a_.lock().cmpxchg(m, c);
      break;
    }
    default: fetch_loop(v, m);
  }
  const Gp d = sized(target(v, x86::r10));
  if (d.id() != x86::rax.id()) a_.mov(d, sized(x86::rax));
  done(v, d);
}

// No instruction gives the old value of these: a compare-and-exchange loop; the old value is left in rax.
void Emitter::fetch_loop(Val v, const Mem& memory) {
  const Node& n = at(v);
  const u8 w = n.width;
  Mem m = memory;
  auto sized = [&](const Gp& r) { return w == 64 ? Gp(r.r64()) : Gp(r.r32()); };
  Gp next = sized(x86::r11);
  Operand c = operand(n.c, w, x86::r11);
  if (c.isReg() && c.as<Gp>().id() == kR11x) {  // a constant: r10 must then hold the address
    if (!(m.hasBaseReg() && m.baseId() == kR10x)) {
      next = sized(x86::r10);
    } else {
      a_.push(x86::r11);
      c = x86::ptr(x86::rsp, 0, w / 8u);
    }
  }
  const bool pushed = c.isMem() && c.as<Mem>().offset() == 0 && c.as<Mem>().baseId() == kRsp &&
                      m.hasBaseReg() && m.baseId() == kR10x && place(n.c).kind != Place::kSlot;
  a_.mov(sized(x86::rax), m);
  Label again = a_.newLabel();
  a_.bind(again);
  a_.mov(next, sized(x86::rax));
  switch (static_cast<s32>(n.extra) & ~isa::kFetch) {
    case isa::kOr: a_.emit(x86::Inst::kIdOr, next, c); break;
    case isa::kAnd: a_.emit(x86::Inst::kIdAnd, next, c); break;
    default: a_.emit(x86::Inst::kIdXor, next, c);
  }
  a_.lock().cmpxchg(m, next);
  a_.jne(again);
  if (pushed) a_.lea(x86::rsp, x86::ptr(x86::rsp, 8));
}

}  // namespace osmia::jit::x86_64
