// Frames, and the walk over the program. A frame: [x29 - stack, x29) is the BPF stack, below it the saved
// registers and the tier's own words.
#include "jit/arm64/direct.h"

#include "base/bits.h"
#include "jit/arm64/machine.h"
#include "jit/common/target.h"

namespace osmia::jit::arm64 {

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
  passes_counter_ = out_.image->makes_tail_calls();
}

Direct::Gp Direct::reg(u8 r) const {
  static constexpr Gp kRegs[] = {a64::x7,  a64::x0,  a64::x1,  a64::x2,  a64::x3,  a64::x4,
                                 a64::x19, a64::x20, a64::x21, a64::x22, a64::x29, a64::x23};
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
  if (a_.offset() >= kMaxCode)
    return Error{EOPNOTSUPP, "JIT: too much code for this CPU's conditional jumps"};
  return out_.finish();
}

Status Direct::subprog(u32 s) {
  const auto& sub = p_.subprogs[s];
  prologue(s);
  for (u32 i = sub.start; i < sub.end; i++) {
    if (labels_[i].isValid()) a_.bind(labels_[i]);
    out_.map.push_back({static_cast<u32>(a_.offset()), i});
    OSMIA_TRY(insn(i));
    if (is_ld_imm64(p_.insns[i])) i++;
  }
  a_.brk(imm(0));  // falling off the end cannot happen
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
      load_constant(a_, reg(in.dst), value);
    }
  }
  if (!done.ok() && done.error().message.empty()) return bad(i);
  return done;
}

void Direct::prologue(u32 s) {
  const auto& sub = p_.subprogs[s];
  u16 used = 0;
  bool rounds = false;
  for (u32 i = sub.start; i < sub.end; i++) {
    used |= static_cast<u16>(1u << p_.insns[i].dst | 1u << p_.insns[i].src);
    rounds |= p_.insns[i].code == (kJmp | kJcond);
  }
  saved_.clear();
  for (const u8 r : {kR6, kR7, kR8, kR9, kAx})
    if (used >> r & 1) saved_.push_back(r);
  u32 words = static_cast<u32>(saved_.size());
  auto word_at = [&](bool wanted) { return wanted ? words++ * 8 : 0; };
  rounds_at_ = word_at(rounds);
  counter_at_ = word_at(passes_counter_);
  ctx_at_ = word_at(passes_counter_);
  frame_ = static_cast<u32>(align_up(words * 8 + align_up(sub.stack_bytes, 8), 16));

  out_.map.push_back({static_cast<u32>(a_.offset()), kNoInsn});
  a_.bind(out_.entries[s]);
  a_.stp(a64::x29, a64::x30, a64::ptr_pre(a64::sp, -16));
  a_.mov(a64::x29, a64::sp);
  if (frame_) add_constant(a_, a64::sp, a64::sp, -static_cast<s64>(frame_), a64::x9);
  for (u32 k = 0; k < saved_.size(); k++) a_.str(reg(saved_[k]), word(k * 8));
  if (rounds) a_.str(a64::xzr, word(rounds_at_));
  if (passes_counter_) a_.str(a64::x5, word(counter_at_));
}

void Direct::epilogue() {
  for (u32 k = 0; k < saved_.size(); k++) a_.ldr(reg(saved_[k]), word(k * 8));
  a_.mov(a64::sp, a64::x29);
  a_.ldp(a64::x29, a64::x30, a64::ptr_post(a64::sp, 16));
}

// Helpers call callbacks as call(object, a1 … a5): the arguments move down by one register.
void Direct::callback_thunk(u32 s) {
  emit_callback_thunk(out_, a_, s, passes_counter_);
}

}  // namespace osmia::jit::arm64

namespace osmia::jit::target {

Result<std::shared_ptr<const Image>> compile_direct(const rewrite::ExecProgram& program,
                                                    const Options& options) {
  return arm64::Direct(program, options).compile();
}

}  // namespace osmia::jit::target
