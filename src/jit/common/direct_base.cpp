// The walk of every CPU's direct tier (RFC 9669, section 4 and 5).
#include "jit/common/direct_base.h"

namespace osmia::jit {

using namespace isa;

namespace {

bool jumps(const Insn& in) {
  return (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kCall && in.op() != kExit;
}
s64 target_of(u32 i, const Insn& in) {
  return static_cast<s64>(i) + 1 + (in.code == (kJmp32 | kJa) ? in.imm : in.off);
}

}  // namespace

Error DirectBase::bad(u32 i) const {
  return {EINVAL,
          "JIT: unknown instruction " + std::to_string(i) + ", code " + std::to_string(p_.insns[i].code)};
}

asmjit::Label DirectBase::label_of(s64 i) {
  if (i < 0 || i >= static_cast<s64>(p_.insns.size())) return {};
  auto& l = labels_[static_cast<size_t>(i)];
  if (!l.isValid()) l = base_->newLabel();
  return l;
}

Status DirectBase::program(asmjit::BaseAssembler& a) {
  base_ = &a;
  labels_.resize(p_.insns.size());
  for (u32 i = 0; i < p_.insns.size(); i++) {
    const Insn& in = p_.insns[i];
    if (in.dst > kAx || in.src > kAx) return bad(i);
    if (is_ld_imm64(in)) {
      i++;
    } else if (jumps(in)) {
      if (!label_of(target_of(i, in)).isValid()) return bad(i);
    }
  }
  for (auto& e : out_.entries) e = a.newLabel();
  for (u32 s = 0; s < p_.subprogs.size(); s++) OSMIA_TRY(subprog(s));
  for (u32 s = 0; s < p_.subprogs.size(); s++)
    if (out_.callbacks[s].isValid()) callback_thunk(s);
  return Ok{};
}

Status DirectBase::subprog(u32 s) {
  const auto& sub = p_.subprogs[s];
  prologue(s);
  for (u32 i = sub.start; i < sub.end; i++) {
    if (labels_[i].isValid()) base_->bind(labels_[i]);
    note_code(i);
    OSMIA_TRY(insn(i));
    if (is_ld_imm64(p_.insns[i])) i++;
  }
  trap();  // falling off the end cannot happen
  return Ok{};
}

Status DirectBase::insn(u32 i) {
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
        const s64 s = p_.subprog_at(static_cast<s64>(i) + 1 + in.imm);
        if (s < 0) return bad(i);
        value = out_.wanted_callback(static_cast<u32>(s));
      } else if (in.src) {
        return bad(i);
      }
      immediate(in.dst, value);
    }
  }
  if (!done.ok() && done.error().message.empty()) return bad(i);
  return done;
}

Status DirectBase::jump(u32 i, const Insn& in) {
  const Error unknown{EINVAL, {}};
  const bool wide = in.cls() == kJmp;
  switch (in.op()) {
    case kExit:
      if (!wide) return unknown;
      leave();
      return Ok{};
    case kCall:
      if (!wide || in.is_reg_src()) return unknown;
      return call(i, in);
    case kJa: go(label_of(target_of(i, in))); return Ok{};
    case kJcond:
      if (!wide) return unknown;
      may_goto(label_of(target_of(i, in)));
      return Ok{};
    default: return branch(in, label_of(target_of(i, in)));
  }
}

Status DirectBase::call(u32 i, const Insn& in) {
  if (in.src == kPseudoCall) {
    const s64 s = p_.subprog_at(static_cast<s64>(i) + 1 + in.imm);
    if (s < 0) return Error{EINVAL, {}};
    call_subprog(static_cast<u32>(s));
    return Ok{};
  }
  if (in.src != kHelperCall || in.imm < 0 || static_cast<size_t>(in.imm) >= p_.calls.size())
    return Error{EINVAL, {}};
  const auto& c = p_.calls[static_cast<size_t>(in.imm)];
  if (c.tail_call)
    tail_call();
  else
    call_native(reinterpret_cast<const void*>(c.fn));
  return Ok{};
}

}  // namespace osmia::jit
