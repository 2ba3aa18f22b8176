// Frames, and the walk over the program. A frame: [rbp - stack, rbp) is the BPF stack, below it the saved
// registers and the tier's own words.
#include "jit/x86_64/direct.h"

#include "base/bits.h"
#include "jit/common/target.h"

namespace osmia::jit::x86_64 {

using namespace isa;
using namespace asmjit;

namespace {

bool jumps(const Insn& in) {
  return (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kCall && in.op() != kExit;
}
s64 distance(const Insn& in) {
  return in.code == (kJmp32 | kJa) ? in.imm : in.off;
}

}  // namespace

Direct::Direct(const rewrite::ExecProgram& program, const Options& options)
    : out_(program, options, Tier::kDirect), p_(program) {
  out_.code.attach(&a_);
  bmi2_ = CpuInfo::host().hasFeature(CpuFeatures::X86::kBMI2);
  passes_counter_ = out_.image->makes_tail_calls();
}

Direct::Gp Direct::reg(u8 r) const {
  static constexpr Gp kRegs[] = {x86::rax, x86::rdi, x86::rsi, x86::rdx, x86::rcx, x86::r8,
                                 x86::rbx, x86::r13, x86::r14, x86::r15, x86::rbp, x86::r12};
  return kRegs[r];
}

Error Direct::bad(u32 i) const {
  return {EINVAL,
          "JIT: unknown instruction " + std::to_string(i) + ", code " + std::to_string(p_.insns[i].code)};
}

Label Direct::label_of(s64 i) {
  if (i < 0 || i >= static_cast<s64>(p_.insns.size())) return {};
  auto& l = labels_[static_cast<size_t>(i)];
  if (!l.isValid()) l = a_.newLabel();
  return l;
}

Result<std::shared_ptr<const Image>> Direct::compile() {
  labels_.resize(p_.insns.size());
  for (u32 i = 0; i < p_.insns.size(); i++) {
    const Insn& in = p_.insns[i];
    if (in.dst > kAx || in.src > kAx) return bad(i);
    if (is_ld_imm64(in)) {
      i++;
    } else if (jumps(in)) {
      if (!label_of(static_cast<s64>(i) + 1 + distance(in)).isValid()) return bad(i);
    }
  }
  for (auto& e : out_.entries) e = a_.newLabel();
  for (u32 s = 0; s < p_.subprogs.size(); s++) OSMIA_TRY(subprog(s));
  for (u32 s = 0; s < p_.subprogs.size(); s++)
    if (out_.callbacks[s].isValid()) callback_thunk(s);
  return out_.finish();
}

Status Direct::subprog(u32 s) {
  const auto& sub = p_.subprogs[s];
  prologue(s);
  for (u32 i = sub.start; i < sub.end; i++) {
    if (labels_[i].isValid()) a_.bind(labels_[i]);
    out_.map.push_back({static_cast<u32>(a_.offset()), i});
    now_ = i;
    OSMIA_TRY(insn(i));
    if (is_ld_imm64(p_.insns[i])) i++;
  }
  a_.ud2();  // falling off the end cannot happen
  return Ok{};
}

Status Direct::insn(u32 i) {
  const Insn& in = p_.insns[i];
  Status done = Ok{};
  switch (in.cls()) {
    case kAlu:
    case kAlu64: done = alu(in); break;
    case kLdx:
    case kSt:
    case kStx: done = memory(in); break;
    case kJmp:
    case kJmp32: done = jump(i, in); break;
    default: {
      if (!is_ld_imm64(in) || i + 1 >= p_.insns.size()) return bad(i);
      u64 value = static_cast<u64>(static_cast<u32>(p_.insns[i + 1].imm)) << 32 | static_cast<u32>(in.imm);
      if (in.src == kPseudoFunc) {
        const s64 start = static_cast<s64>(i) + 1 + in.imm;
        u32 s = 0;
        while (s < p_.subprogs.size() && p_.subprogs[s].start != start) s++;
        if (s == p_.subprogs.size()) return bad(i);
        if (!out_.callbacks[s].isValid()) out_.callbacks[s] = a_.newLabel();
        value = out_.callback_address(s);
      } else if (in.src) {
        return bad(i);
      }
      load_imm(reg(in.dst), value);
    }
  }
  if (!done.ok() && done.error().message.empty()) return bad(i);
  return done;
}

void Direct::load_imm(const Gp& to, u64 value) {
  if (!value) {
    a_.xor_(to.r32(), to.r32());
  } else if (value <= 0xffffffff) {
    a_.mov(to.r32(), static_cast<u32>(value));
  } else {
    a_.mov(to, value);
  }
}

void Direct::prologue(u32 s) {
  const auto& sub = p_.subprogs[s];
  u16 used = 0;
  bool rounds = false;
  for (u32 i = sub.start; i < sub.end; i++) {
    used |= static_cast<u16>(1u << p_.insns[i].dst | 1u << p_.insns[i].src);
    rounds |= p_.insns[i].code == (kJmp | kJcond);
  }
  saved_ = used & (1u << kR6 | 1u << kR7 | 1u << kR8 | 1u << kR9 | 1u << kAx);
  s32 at = -static_cast<s32>(align_up(sub.stack_bytes, 8));
  auto word = [&] { return at -= 8; };
  saved_at_ = at;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) word();
  rounds_at_ = rounds ? word() : 0;
  counter_at_ = passes_counter_ ? word() : 0;
  ctx_at_ = passes_counter_ ? word() : 0;
  frame_ = static_cast<u32>(align_up(static_cast<u64>(-at), 16));

  a_.align(AlignMode::kCode, 16);
  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[s]);
  a_.push(x86::rbp);
  a_.mov(x86::rbp, x86::rsp);
  if (frame_) a_.sub(x86::rsp, frame_);
  s32 slot = saved_at_;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) a_.mov(x86::qword_ptr(x86::rbp, slot -= 8), reg(r));
  if (rounds) a_.mov(x86::dword_ptr(x86::rbp, rounds_at_), 0);
  if (passes_counter_) a_.mov(x86::qword_ptr(x86::rbp, counter_at_), x86::r9);
}

void Direct::epilogue() {
  s32 slot = saved_at_;
  for (u8 r = 0; r <= kAx; r++)
    if (saved_ >> r & 1) a_.mov(reg(r), x86::qword_ptr(x86::rbp, slot -= 8));
  a_.leave();
}

// Helpers call callbacks as call(object, a1 … a5): the arguments move up by one register.
void Direct::callback_thunk(u32 s) {
  a_.align(AlignMode::kCode, 16);
  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.callbacks[s]);
  const Gp from[] = {x86::rsi, x86::rdx, x86::rcx, x86::r8, x86::r9};
  for (u8 k = 0; k < 5; k++) a_.mov(reg(static_cast<u8>(kR1 + k)), from[k]);
  if (!passes_counter_) {
    a_.jmp(out_.entries[s]);
    return;
  }
  a_.push(0);  // a count of its own
  a_.mov(x86::r9, x86::rsp);
  a_.call(out_.entries[s]);
  a_.pop(x86::rcx);
  a_.ret();
}

}  // namespace osmia::jit::x86_64

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_direct(const rewrite::ExecProgram& program,
                                                    const Options& options) {
  return x86_64::Direct(program, options).compile();
}

}  // namespace osmia::jit::target
