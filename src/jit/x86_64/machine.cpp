// What the allocator must know of x86-64: which constants instructions take, what they destroy, what reads
// late; sequences that both tiers emit.
#include "jit/x86_64/machine.h"

namespace osmia::jit::x86_64 {

using namespace asmjit;

namespace {

bool takes_constant(const Function& f, const Node& user, u32 k, Val constant) {
  const s64 v = f.nodes[constant].imm;
  switch (user.op) {
    case Op::kAdd:
    case Op::kAnd:
    case Op::kOr:
    case Op::kXor:
    case Op::kSub: return k == 0 || user.width == 32 || fits32(v);
    case Op::kMul: return k == 1 && (user.width == 32 || fits32(v));
    case Op::kBranch: return k == 1 && (user.width == 32 || fits32(v));
    case Op::kStore: return k == 2 && (user.bytes < 8 || fits32(v));
    case Op::kUpdate: return k == 2 && (user.bytes < 8 || fits32(v));
    case Op::kLoad:
    case Op::kLea:
    case Op::kAtomic: return false;
    default: return true;
  }
}

bool divides(Op op) {
  return op == Op::kDiv || op == Op::kMod || op == Op::kSdiv || op == Op::kSmod;
}
// Atomics that go through rax.
bool through_rax(const Node& n) {
  if (n.op != Op::kAtomic) return false;
  const s32 what = static_cast<s32>(n.extra);
  return what == isa::kCmpxchg || what == (isa::kOr | isa::kFetch) || what == (isa::kAnd | isa::kFetch) ||
         what == (isa::kXor | isa::kFetch);
}

u32 clobbers(const Function&, const Node& n) {
  if (divides(n.op) || n.op == Op::kMulHiS) return 1u << kRax | 1u << kRdx;
  if (n.op == Op::kMulHi) return cpu().bmi2 ? 1u << kRdx : 1u << kRax | 1u << kRdx;
  return through_rax(n) ? 1u << kRax : 0;
}

u8 late_operands(const Function&, const Node& n) {
  switch (n.op) {
    case Op::kSub:
    case Op::kDiv:
    case Op::kMod:
    case Op::kSdiv:
    case Op::kSmod: return 2;
    case Op::kMulHi:
    case Op::kMulHiS: return 1;
    case Op::kAtomic: return through_rax(n) ? 1 | 4 : 1;
    default: return 0;
  }
}

s8 result_hint(const Node& n) {
  if (n.op == Op::kDiv || n.op == Op::kSdiv || through_rax(n)) return kRax;
  return n.op == Op::kMod || n.op == Op::kSmod || n.op == Op::kMulHiS ? kRdx : -1;
}
s8 operand_hint(const Node& n) {
  return divides(n.op) ? kRax : -1;
}

}  // namespace

const Cpu& cpu() {
  static const Cpu one = [] {
    const auto& host = asmjit::CpuInfo::host();
    using X = asmjit::CpuFeatures::X86;
    return Cpu{host.hasFeature(X::kBMI2), host.hasFeature(X::kBMI), host.hasFeature(X::kMOVBE)};
  }();
  return one;
}

const Machine& machine() {
  static const Machine one{
      .order = {kRax, kRcx, kRdx, kRsi, kRdi, kR8x, kR9x, kRbx, kRbp, kR12x, kR13x, kR14x, kR15x},
      .caller_saved = 0xffff & ~kCalleeSaved,
      .arg_regs = {kRdi, kRsi, kRdx, kRcx, kR8x},
      .result_reg = kRax,
      .cycle_reg = kR11x,
      .takes_constant = takes_constant,
      .clobbers = clobbers,
      .late_operands = late_operands,
      .result_hint = result_hint,
      .operand_hint = operand_hint};
  return one;
}

void load_constant(x86::Assembler& a, const x86::Gp& to, u64 v) {
  if (!v)
    a.xor_(to.r32(), to.r32());
  else if (v <= 0xffffffff)
    a.mov(to.r32(), static_cast<u32>(v));
  else
    a.mov(to.r64(), v);
}

x86::Mem thread_word_at(s32 off) {
  x86::Mem m = x86::ptr_abs(static_cast<u64>(static_cast<s64>(off)), 4);
  m.setSegment(x86::fs);
  return m;
}

void emit_callback_thunk(ImageBuilder& out, x86::Assembler& a, u32 s, bool counts) {
  a.align(AlignMode::kCode, 16);
  out.map.push_back({static_cast<u32>(a.offset()), kNoInsn});
  a.bind(out.callbacks[s]);
  out.unwind.function(a.offset());
  a.mov(x86::rdi, x86::rsi);
  a.mov(x86::rsi, x86::rdx);
  a.mov(x86::rdx, x86::rcx);
  a.mov(x86::rcx, x86::r8);
  a.mov(x86::r8, x86::r9);
  if (!counts) {
    a.jmp(out.entries[s]);
    return;
  }
  a.push(0);
  out.unwind.frame(a.offset(), kDwarfSp, kDwarfFrameAtCall + 8);
  a.mov(x86::r9, x86::rsp);
  a.call(out.entries[s]);
  a.pop(x86::rcx);
  out.unwind.frame(a.offset(), kDwarfSp, kDwarfFrameAtCall);
  a.ret();
}

}  // namespace osmia::jit::x86_64
