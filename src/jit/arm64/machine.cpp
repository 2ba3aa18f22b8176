// Registers and constants for the allocator; sequences that both tiers emit.
#include "jit/arm64/machine.h"

#include <asm/hwcap.h>
#include <asmjit/arm/a64utils.h>
#include <sys/auxv.h>

namespace osmia::jit::arm64 {

using namespace asmjit;

namespace {

bool takes_constant(const Function& f, const Node& user, u32 k, Val constant) {
  const u64 all = static_cast<u64>(f.nodes[constant].imm);
  const bool narrow = user.width == 32;
  const u64 v = narrow ? static_cast<u32>(all) : all, minus = narrow ? static_cast<u32>(0 - all) : 0 - all;
  switch (user.op) {
    case Op::kAdd:
    case Op::kSub: return k == 1 ? fits_add(v) || fits_add(minus) : !v;
    case Op::kAnd:
    case Op::kOr:
    case Op::kXor: return k == 1 ? fits_logical(v, user.width) : !v;
    case Op::kBranch:
      if (k != 1) return false;
      return user.cc == Cc::kTestZ || user.cc == Cc::kTestNz ? fits_logical(v, user.width)
                                                             : fits_add(v) || fits_add(minus);
    case Op::kStore: return k == 2 && !all;
    case Op::kShl:
    case Op::kShr:
    case Op::kSar:
    case Op::kRol: return k == 1;
    case Op::kMul: return k == 1 && sum_with_shift(f, user);
    case Op::kMulHi:
    case Op::kMulHiS:
    case Op::kDiv:
    case Op::kMod:
    case Op::kSdiv:
    case Op::kSmod:
    case Op::kLoad:
    case Op::kAtomic: return false;
    default: return true;
  }
}

u32 clobbers(const Function&, const Node& n) {
  return n.op == Op::kAtomic ? 1u << 13 | 1u << 14 | 1u << 15 : 0;
}
u8 late_operands(const Function&, const Node& n) {
  return n.op == Op::kAtomic ? 7 : 0;
}
s8 no_hint(const Node&) {
  return -1;
}

}  // namespace

const Machine& machine() {
  static const Machine one{
      .order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28},
      .caller_saved = 0x3ffff,
      .arg_regs = {0, 1, 2, 3, 4},
      .result_reg = 0,
      .cycle_reg = 17,
      .most_slots = 4000,
      .takes_constant = takes_constant,
      .clobbers = clobbers,
      .late_operands = late_operands,
      .result_hint = no_hint,
      .operand_hint = no_hint};
  return one;
}

const Cpu& cpu() {
  static const Cpu one{(getauxval(AT_HWCAP) & HWCAP_ATOMICS) != 0};
  return one;
}

bool fits_logical(u64 v, u8 width) {
  if (width == 32) v &= 0xffffffff;
  return a64::Utils::isLogicalImm(v, width);
}

void load_thread_word(a64::Assembler& a, const a64::Gp& to, s32 off, const a64::Gp& scratch) {
  a.mrs(scratch.x(), imm(a64::Predicate::SysReg::kTPIDR_EL0));
  if (fits_offset(off, 4)) {
    a.ldr(to.w(), a64::ptr(scratch.x(), off));
  } else {
    load_constant(a, to, static_cast<u64>(static_cast<s64>(off)));
    a.ldr(to.w(), a64::ptr(scratch.x(), to.x()));
  }
}

void emit_callback_thunk(ImageBuilder& out, a64::Assembler& a, u32 s, bool counts) {
  out.map.push_back({static_cast<u32>(a.offset()), kNoInsn});
  a.bind(out.callbacks[s]);
  out.unwind.function(a.offset());
  for (u32 k = 0; k < 5; k++) a.mov(a64::x(k), a64::x(k + 1));
  if (!counts) {
    a.b(out.entries[s]);
    return;
  }
  a.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -32));
  out.unwind.frame(a.offset(), kDwarfSp, 32);
  out.unwind.saved(a.offset(), 29, 32);
  out.unwind.saved(a.offset(), 30, 24);
  a.mov(a64::x29, a64::sp);
  a.str(a64::xzr, a64::ptr(a64::sp, 16));
  a.add(a64::x5, a64::sp, imm(16));
  a.bl(out.entries[s]);
  a.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 32));
  out.unwind.frame(a.offset(), kDwarfSp, 0);
  a.ret(a64::x30);
}

void load_constant(a64::Assembler& a, const a64::Gp& to, u64 v) {
  const a64::Gp x = to.x(), w = to.w();
  if (!v || !~v) {
    v ? a.movn(x, imm(0)) : a.movz(x, imm(0));
    return;
  }
  u32 zeros = 0, ones = 0;
  for (u32 k = 0; k < 64; k += 16) {
    zeros += (v >> k & 0xffff) == 0;
    ones += (v >> k & 0xffff) == 0xffff;
  }
  if (zeros < 3 && ones < 3) {
    if (v <= 0xffffffff && (v >> 16 == 0xffff || (v & 0xffff) == 0xffff)) {
      const u32 shift = v >> 16 == 0xffff ? 0 : 16;
      a.movn(w, imm(~(v >> shift) & 0xffff), imm(shift));
      return;
    }
    if (fits_logical(v, 64)) {
      a.orr(x, a64::xzr, imm(v));
      return;
    }
    if (v <= 0xffffffff && fits_logical(v, 32)) {
      a.orr(w, a64::wzr, imm(v));
      return;
    }
  }
  const bool inverse = ones > zeros;
  const u64 plain = inverse ? 0xffff : 0;
  bool first = true;
  for (u32 k = 0; k < 64; k += 16) {
    const u64 part = v >> k & 0xffff;
    if (part == plain && !(first && k == 48)) continue;
    if (first)
      inverse ? a.movn(x, imm(~part & 0xffff), imm(k)) : a.movz(x, imm(part), imm(k));
    else
      a.movk(x, imm(part), imm(k));
    first = false;
  }
}

void add_constant(a64::Assembler& a, const a64::Gp& to, const a64::Gp& from, s64 v, const a64::Gp& scratch) {
  const u64 size = v < 0 ? 0 - static_cast<u64>(v) : static_cast<u64>(v);
  if (fits_add(size)) {
    v < 0 ? a.sub(to, from, imm(size)) : a.add(to, from, imm(size));
  } else if (size < 0x1000000) {
    const u64 high = size & ~u64{0xfff}, low = size & 0xfff;
    v < 0 ? a.sub(to, from, imm(high)) : a.add(to, from, imm(high));
    v < 0 ? a.sub(to, to, imm(low)) : a.add(to, to, imm(low));
  } else {
    load_constant(a, scratch, static_cast<u64>(v));
    a.add(to, from, scratch);
  }
}

bool emit_atomic(a64::Assembler& a, s32 what, bool wide, const AtomicRegs& r, std::vector<u32>* faults) {
  auto sized = [&](const a64::Gp& g) { return wide ? a64::Gp(g.x()) : a64::Gp(g.w()); };
  const a64::Gp operand = sized(r.operand), old = sized(r.old), t0 = sized(r.t0), t1 = sized(r.t1);
  const a64::Mem m = a64::ptr(r.address.x());
  const bool fetch = what & isa::kFetch;  // exchanges have it too
  const s32 op = what == isa::kXchg || what == isa::kCmpxchg ? what : what & ~isa::kFetch;
  if (op != isa::kAdd && op != isa::kOr && op != isa::kAnd && op != isa::kXor && op != isa::kXchg &&
      op != isa::kCmpxchg)
    return false;
  auto touches = [&] { faults->push_back(static_cast<u32>(a.offset())); };
  if (cpu().lse) {
    const a64::Gp result = fetch ? old : t1;
    if (op == isa::kAnd) a.mvn(t0, operand);
    touches();
    switch (op) {
      case isa::kAdd: a.ldaddal(operand, result, m); break;
      case isa::kOr: a.ldsetal(operand, result, m); break;
      case isa::kXor: a.ldeoral(operand, result, m); break;
      case isa::kAnd: a.ldclral(t0, result, m); break;
      case isa::kXchg: a.swpal(operand, old, m); break;
      default: a.casal(old, operand, m);
    }
    return true;
  }
  Label again = a.newLabel(), done = a.newLabel();
  a.bind(again);
  touches();
  a.ldaxr(t0, m);
  a64::Gp next = t1;
  switch (op) {
    case isa::kAdd: a.add(t1, t0, operand); break;
    case isa::kOr: a.orr(t1, t0, operand); break;
    case isa::kAnd: a.and_(t1, t0, operand); break;
    case isa::kXor: a.eor(t1, t0, operand); break;
    case isa::kCmpxchg:
      a.cmp(t0, old);
      a.b_ne(done);
      [[fallthrough]];
    default: next = operand;
  }
  touches();
  // stlxr t2, next, [address], which this asmjit does not encode.
  a.embedUInt32((wide ? 0xc800fc00u : 0x8800fc00u) | r.t2.id() << 16 | r.address.id() << 5 | next.id());
  a.cbnz(r.t2.w(), again);
  a.bind(done);
  if (fetch) a.mov(old, t0);
  return true;
}

}  // namespace osmia::jit::arm64
