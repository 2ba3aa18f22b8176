// The walk of every CPU's direct tier (RFC 9669, section 4 and 5).
#include "jit/common/direct_base.h"

#include <sys/random.h>

#include "jit/common/flat.h"

namespace osmia::jit {

using namespace isa;

namespace {

bool jumps(const Insn& in) {
  return (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kCall && in.op() != kExit;
}
s64 target_of(u32 i, const Insn& in) {
  return static_cast<s64>(i) + 1 + (in.code == (kJmp32 | kJa) ? in.imm : in.off);
}

bool touches_arena(const Insn& in) {
  const u8 cls = in.cls();
  return (cls == kLdx || cls == kSt || cls == kStx) &&
         (in.mode() == kProbeMem32 || (cls == kStx && in.mode() == kProbeAtomic));
}
bool casts(const Insn& in) {
  return in.code == (kAlu64 | kMov | kX) && in.off == kAddrSpaceCast;
}

}  // namespace

u16 DirectBase::used_registers(u32 s) const {
  u16 used = 0;
  for (u32 i = p_.subprogs[s].start; i < p_.subprogs[s].end; i++) {
    const Insn& in = p_.insns[i];
    used |= static_cast<u16>(1u << in.dst | 1u << in.src);
    if (touches_arena(in) || casts(in)) used |= 1u << kAx;
  }
  if (out_.options.blind_constants) used |= 1u << kAx;
  return used;
}

void DirectBase::skip_fault(u32 start) {
  if (!in_arena_) return;
  const asmjit::Label behind = base_->newLabel();
  base_->bind(behind);
  out_.faults.push_back({start, behind, true});
}

Status DirectBase::arena_access(const Insn& in) {
  if (!p_.arena) return Error{EINVAL, {}};
  const bool load = in.cls() == kLdx;
  arena_address(load ? in.src : in.dst);
  Insn access = in;
  if (load)
    access.src = kAx;
  else
    access.dst = kAx;
  access.code = static_cast<u8>((in.code & 0x1f) | (in.mode() == kProbeAtomic ? u8{kAtomic} : u8{kMem}));
  in_arena_ = true;
  const Status done = memory(access);
  in_arena_ = false;
  return done;
}

// ArenaSpace::user_address(): the upper half of the arena's address, but null stays null.
Status DirectBase::user_address(const Insn& in) {
  if (!p_.arena) return Error{EINVAL, {}};
  const s32 high = static_cast<s32>(p_.arena->user_start >> 32);
  const Insn steps[] = {{.code = kAlu | kMov | kX, .dst = in.dst, .src = in.src},
                        {.code = kAlu64 | kMov | kX, .dst = kAx, .src = in.dst},
                        {.code = kAlu64 | kNeg, .dst = kAx},
                        {.code = kAlu64 | kRsh | kK, .dst = kAx, .imm = 63},
                        {.code = kAlu64 | kMul | kK, .dst = kAx, .imm = high},
                        {.code = kAlu64 | kLsh | kK, .dst = kAx, .imm = 32},
                        {.code = kAlu64 | kOr | kX, .dst = in.dst, .src = kAx}};
  for (const Insn& step : steps) OSMIA_TRY(alu(step));
  return Ok{};
}

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
  for (const auto& call : p_.calls) throws_ |= call.throws;
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
  out_.unwind.body_begins();
  for (u32 i = sub.start; i < sub.end; i++) {
    if (labels_[i].isValid()) base_->bind(labels_[i]);
    note_code(i);
    OSMIA_TRY(insn(i));
    if (is_ld_imm64(p_.insns[i])) i++;
  }
  trap();  // falling off the end cannot happen
  if (!unwind_.isValid()) return Ok{};
  base_->bind(unwind_);
  unwind_ = {};
  note_code(kNoInsn);
  if (s) {
    immediate(kR0, 1);
  } else {
    call_native(reinterpret_cast<const void*>(rewrite::catch_exception));
    if (p_.exception_callback >= 0) {
      OSMIA_TRY(alu({.code = kAlu64 | kMov | kX, .dst = kR1, .src = kR0}));
      call_subprog(static_cast<u32>(p_.exception_callback));
    }
  }
  leave();
  return Ok{};
}

const asmjit::Label& DirectBase::unwind() {
  if (!unwind_.isValid()) unwind_ = base_->newLabel();
  return unwind_;
}

Status DirectBase::insn(u32 i) {
  const Status done = out_.options.blind_constants ? blind(i, p_.insns[i]) : emit(i, p_.insns[i]);
  if (!done.ok() && done.error().message.empty()) return bad(i);
  return done;
}

// The instruction with its immediate in AX, which is free between two instructions of the program. Shift
// counts are too small to hide anything.
Status DirectBase::blind(u32 i, Insn in) {
  const u8 cls = in.cls(), op = in.op();
  const bool alu = cls == kAlu || cls == kAlu64;
  const bool shifts = op == kLsh || op == kRsh || op == kArsh;
  if (in.dst == kAx) return emit(i, in);  // rewriting made it
  const u64 wide = static_cast<u64>(static_cast<s64>(in.imm));
  if (alu && !in.is_reg_src() && op == kMov) {
    blinded(in.dst, cls == kAlu64 ? wide : static_cast<u32>(in.imm));
    return Ok{};
  }
  if (alu && !in.is_reg_src() && op != kNeg && op != kEnd && !shifts) {
    blinded(kAx, wide);
    in.code |= kX;
    in.src = kAx;
  } else if ((cls == kJmp || cls == kJmp32) && !in.is_reg_src() && op != kJa && op != kCall && op != kExit &&
             op != kJcond) {
    blinded(kAx, wide);
    in.code |= kX;
    in.src = kAx;
  } else if (cls == kSt && (in.mode() == kMem || touches_arena(in))) {
    if (touches_arena(in))
      return Error{EOPNOTSUPP, "JIT: blinded constants in an arena's memory: not supported"};
    blinded(kAx, wide);
    in.code = static_cast<u8>((in.code & ~7) | kStx);
    in.src = kAx;
  }
  return emit(i, in);
}

void DirectBase::blinded(u8 reg, u64 value) {
  if (!out_.options.blind_constants) return immediate(reg, value);
  u64 key = 0;
  while (!key)
    if (getrandom(&key, sizeof key, 0) != sizeof key) key = 0;
  blinded(reg, value, value >> 32 ? key : static_cast<u32>(key) | 1);
}

Status DirectBase::emit(u32 i, const Insn& in) {
  Status done = Ok{};
  switch (in.cls()) {
    case kAlu:
    case kAlu64: done = casts(in) ? user_address(in) : alu(in); break;
    case kLdx:
    case kSt:
    case kStx: done = touches_arena(in) ? arena_access(in) : memory(in); break;
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
      blinded(in.dst, value);
    }
  }
  return done;
}

Status DirectBase::jump(u32 i, const Insn& in) {
  const Error unknown{EINVAL, {}};
  const bool wide = in.cls() == kJmp;
  switch (in.op()) {
    case kExit:
      if (!wide) return unknown;
      leave();
      out_.unwind.body(base_->offset());
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
    if (throws_) go_if_set(thrown_word(), unwind());
    return Ok{};
  }
  if (in.src != kHelperCall || in.imm < 0 || static_cast<size_t>(in.imm) >= p_.calls.size())
    return Error{EINVAL, {}};
  const auto& c = p_.calls[static_cast<size_t>(in.imm)];
  if (c.tail_call) {
    tail_call();
    out_.unwind.body(base_->offset());
  } else {
    call_native(reinterpret_cast<const void*>(c.fn));
  }
  if (c.throws)
    go(unwind());
  else if (throws_ && !c.tail_call)
    go_if_set(thrown_word(), unwind());
  return Ok{};
}

}  // namespace osmia::jit
