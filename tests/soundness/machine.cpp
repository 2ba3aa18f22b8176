// Executing the loaded program, an instruction at a time, by RFC 9669. After each instruction the state is
// complete and advance() says whether it is one that the verifier expected.
#include "machine.h"

#include <fmt/format.h>

#include <cstring>

#include "base/bits.h"
#include "helpers/code.h"
#include "maps/map.h"
#include "semantics.h"

namespace osmia::soundness {

using namespace isa;

namespace {

thread_local Machine* t_current = nullptr;

constexpr u32 kMayGotoRounds = 64;  // of many: both ways must be safe at any time, so leave at random

}  // namespace

Machine::Machine(CheckedProgram& program, void* ctx)
    : p_(program), facts_(program.program_.facts), left_(program.limits.insns), outer_(t_current) {
  around_.ctx = reinterpret_cast<u64>(ctx);
}

Machine* Machine::current() {
  return t_current;
}

u64 Machine::run() {
  t_current = this;
  Walk walk;
  Walk* const saved = walk_;
  walk_ = &walk;
  push_frame(0);
  top().r[kR1] = around_.ctx;
  u64 r0 = 0;
  if (start_walk(walk, 0)) r0 = run_frame(facts_.subprogs[0].start);
  pop_frame();
  walk_ = saved;
  t_current = outer_;
  return r0;
}

void Machine::push_frame(u32 subprog) {
  auto f = std::make_unique<ConcreteFrame>();
  for (size_t i = 0; i < sizeof f->stack; i += 8) {
    const u64 garbage = p_.random_();
    std::memcpy(f->stack + i, &garbage, 8);
  }
  for (u64& r : f->r) r = p_.random_();
  f->r[kFp] = f->fp();
  f->subprog = subprog;
  walk_->frames.push_back(f.get());
  all_frames_.push_back(std::move(f));
}

std::unique_ptr<ConcreteFrame> Machine::pop_frame() {
  auto f = std::move(all_frames_.back());
  all_frames_.pop_back();
  walk_->frames.pop_back();
  return f;
}

bool Machine::use(u32 reg) {
  if (!(top().unread.regs >> reg & 1)) return true;
  violation(fmt::format("reads r{}, that verification found unread", reg));
  return false;
}

void Machine::set(u32 reg, u64 bits, const Origin& from, bool loose) {
  ConcreteFrame& f = top();
  f.r[reg] = bits;
  f.from[reg] = from;
  const u16 bit = static_cast<u16>(1u << reg);
  f.loose.regs = static_cast<u16>(loose ? f.loose.regs | bit : f.loose.regs & ~bit);
  f.unread.regs &= static_cast<u16>(~bit);
}

void Machine::clobber_arguments() {
  for (u32 r = kR1; r <= kR5; r++) set(r, p_.random_(), {}, false);
}

u64 Machine::run_frame(u32 pc) {
  for (;;) {
    pc_ = pc;
    if (stopped_) return 0;
    if (left_-- == 0) {
      stopped_ = cut_ = true;
      return 0;
    }
    p_.counters_.insns++;
    if (!facts_.insns[pc].seen) {
      violation("runs an instruction that the facts call dead");
      return 0;
    }
    const Insn& in = p_.program_.insns[pc];
    if (in.code == (kJmp | kExit)) {
      if (!use(kR0)) return 0;
      return top().r[kR0];
    }
    u32 next = pc + 1;
    if (!step(pc, &next)) return 0;
    if (implicit_exit_) return 0;
    if (!advance(next)) return 0;
    pc = next;
  }
}

bool Machine::step(u32 pc, u32* next) {
  const Insn in = p_.program_.insns[pc];
  switch (in.cls()) {
    case kAlu:
    case kAlu64:
      if (in.op() != kMov && !use(in.dst)) return false;
      if (in.is_reg_src() && in.op() != kEnd && in.op() != kNeg && !use(in.src)) return false;
      alu(in);
      return true;
    case kLdx: return load(pc);
    case kSt: return store(pc);
    case kStx: return in.mode() == kAtomic ? atomic(pc) : store(pc);
    case kLd:
      if (is_ld_imm64(in)) {
        *next = pc + 2;
        return ld_imm64(pc);
      }
      return load_packet(pc, next);
    default: break;
  }
  if (in.op() == kCall) return in.src == kPseudoCall ? call_subprog(pc, next) : call_helper(pc, next);
  if (in.op() == kJa) {
    *next = pc + 1 + static_cast<u32>(in.cls() == kJmp ? s32{in.off} : in.imm);
    return true;
  }
  return conditional(pc, next);
}

void Machine::alu(const Insn& in) {
  ConcreteFrame& f = top();
  const bool by_reg = in.is_reg_src() && in.op() != kEnd && in.op() != kNeg;
  const bool reads_dst = in.op() != kMov;
  const u64 b = by_reg ? f.r[in.src] : static_cast<u64>(s64{in.imm});
  const u64 v = compute(in, f.r[in.dst], b);
  Origin from;
  if (in.cls() == kAlu64) {
    const Origin &d = f.from[in.dst], &s = f.from[in.src];
    if (in.op() == kMov && by_reg && !in.off) from = s;
    if (in.op() == kAdd) from = by_reg && s.kind == Origin::kObject ? s : d;
    if (in.op() == kSub) from = by_reg && s.kind == Origin::kObject ? Origin{} : d;
    // Two pointers are both fine for copies; which of them a sum continues, the state says.
    if (in.op() == kAdd && by_reg && d.kind == Origin::kObject && s.kind == Origin::kObject)
      from = claim(in.dst).is_scalar() ? s : d;
  }
  const bool loose = (reads_dst && is_loose(in.dst)) || (by_reg && is_loose(in.src));
  set(in.dst, v, from, loose);
}

bool Machine::conditional(u32 pc, u32* next) {
  const Insn in = p_.program_.insns[pc];
  bool taken;
  if (in.op() == kJcond) {
    taken = p_.random_() % kMayGotoRounds == 0;
  } else {
    if (!use(in.dst) || (in.is_reg_src() && !use(in.src))) return false;
    ConcreteFrame& f = top();
    taken = compare(in, f.r[in.dst], in.is_reg_src() ? f.r[in.src] : static_cast<u64>(s64{in.imm}));
    // What the edge says of one operand may be learnt of the other, and of all that is linked to them.
    if (is_loose(in.dst) || (in.is_reg_src() && is_loose(in.src))) {
      const u32 d = claim(in.dst).id & ~verifier::kAddConst;
      const u32 s = in.is_reg_src() ? claim(in.src).id & ~verifier::kAddConst : 0;
      const auto linked = [&](const RegState& r) {
        const u32 id = r.id & ~verifier::kAddConst;
        return r.is_scalar() && id && (id == d || id == s);
      };
      const Node& n = at();
      for (u32 i = 0; i <= n.depth; i++) {
        for (u32 r = 0; r < 10; r++)
          if (linked(n.frames[i]->regs[r])) walk_->frames[i]->loose.regs |= static_cast<u16>(1u << r);
        for (int k = 0; k < n.frames[i]->stack.slots(); k++)
          if (n.frames[i]->stack[k].is_spill() && linked(n.frames[i]->stack[k].spilled))
            walk_->frames[i]->loose.slots |= u64{1} << k;
      }
      f.loose.regs |= static_cast<u16>(1u << in.dst);
      if (in.is_reg_src()) f.loose.regs |= static_cast<u16>(1u << in.src);
    }
  }
  if (taken) *next = pc + 1 + static_cast<u32>(s32{in.off});
  return true;
}

bool Machine::ld_imm64(u32 pc) {
  const Insn in = p_.program_.insns[pc];
  const auto& fact = facts_.insns[pc];
  Origin from{Origin::kFresh};
  u64 v;
  switch (in.src) {
    case 0:
      v = static_cast<u64>(static_cast<u32>(p_.program_.insns[pc + 1].imm)) << 32 | static_cast<u32>(in.imm);
      from = {};
      break;
    case kPseudoMapFd:
    case kPseudoMapIdx: v = reinterpret_cast<u64>(fact.map ? fact.map->live : nullptr); break;
    case kPseudoFunc: {
      const u32 start = pc + 1 + static_cast<u32>(in.imm);
      u32 s = 0;
      while (s + 1 < facts_.subprogs.size() && facts_.subprogs[s].start != start) s++;
      v = reinterpret_cast<u64>(&p_.callbacks_[s]);
      break;
    }
    default: v = fact.imm64;
  }
  set(in.dst, v, from, false);
  return true;
}

bool Machine::load_packet(u32 pc, u32* next) {
  const Insn in = p_.program_.insns[pc];
  if (!use(kR6) || (in.mode() == kInd && !use(in.src))) return false;
  u32 off = static_cast<u32>(in.imm);
  if (in.mode() == kInd) off += static_cast<u32>(top().r[in.src]);
  const s64 v = static_cast<s64>(
      helpers::code::skb_load_packet(top().r[kR6], off, static_cast<u64>(size_bytes(in.size_bits())), 0, 0));
  if (v < 0) {
    // The frame ends with 0.
    set(kR0, 0, {}, false);
    implicit_exit_ = true;
    return true;
  }
  clobber_arguments();
  set(kR0, static_cast<u64>(v), {}, false);
  *next = pc + 1;
  return true;
}

bool Machine::call_subprog(u32 pc, u32* next) {
  const u32 start = pc + 1 + static_cast<u32>(p_.program_.insns[pc].imm);
  u32 s = 0;
  while (s + 1 < facts_.subprogs.size() && facts_.subprogs[s].start != start) s++;
  const bool global = facts_.subprogs[s].is_global && s;
  ConcreteFrame& caller = top();
  Walk own;
  Walk* const outer = walk_;
  if (global) walk_ = &own;
  push_frame(s);
  ConcreteFrame& callee = top();
  for (u32 r = kR1; r <= kR5; r++) {
    callee.r[r] = caller.r[r];
    callee.from[r] = global ? Origin{Origin::kFresh} : caller.from[r];
    if (!global) {
      callee.loose.regs |= static_cast<u16>(caller.loose.regs & 1u << r);
      callee.unread.regs |= static_cast<u16>(caller.unread.regs & 1u << r);
    }
  }
  const bool ok = global ? start_walk(own, s) : advance(start);
  const u64 r0 = ok ? run_frame(start) : 0;
  const auto left = pop_frame();
  walk_ = outer;
  if (stopped_) return false;
  implicit_exit_ = false;
  pc_ = pc;
  clobber_arguments();
  set(kR0, r0, global ? Origin{} : left->from[kR0], !global && (left->loose.regs & 1));
  *next = pc + 1;
  return true;
}

bool Machine::call_helper(u32 pc, u32* next) {
  const auto& def = *facts_.insns[pc].helper;
  p_.counters_.helper_calls++;
  for (u32 i = 0; i < 5 && def.args[i].kind != contract::ArgKind::kNone; i++)
    if (!use(i + 1)) return false;
  if (!check_helper_memory(pc)) return false;
  const u64* r = top().r;
  if (def.effects & contract::kTailCall) {
    auto* map = reinterpret_cast<maps::Map*>(r[kR2]);
    if (facts_.insns[pc].helper_args_const_key && r[kR3] != facts_.insns[pc].map_key) {
      violation("tail call: another index than the facts say");
      return false;
    }
    if (map->lookup_prog(static_cast<u32>(r[kR3]))) {
      stopped_ = cut_ = true;  // another program goes on
      return false;
    }
    clobber_arguments();
    set(kR0, static_cast<u64>(-s64{ENOENT}), {}, false);
    return true;
  }
  const u64 r0 = p_.code_[pc](r[kR1], r[kR2], r[kR3], r[kR4], r[kR5]);
  if (stopped_) return false;
  pc_ = pc;
  // What it wrote to the stack is no pointer that anybody may load.
  clobber_arguments();
  set(kR0, r0, Origin{Origin::kFresh}, false);
  *next = pc + 1;
  return true;
}

// From a helper: the state is that at the call, once more.
u64 Machine::callback(const rewrite::BpfCallback& cb, const u64 args[5]) {
  if (stopped_) return 1;
  const u32 call_pc = pc_;
  const auto& fact = facts_.insns[call_pc];
  if (fact.inlinable_loop && fact.callback_subprog != static_cast<s32>(cb.subprog)) {
    violation("another callback than the facts say");
    return 1;
  }
  push_frame(cb.subprog);
  for (u32 i = 0; i < 5; i++) {
    top().r[kR1 + i] = args[i];
    top().from[kR1 + i] = {Origin::kFresh};
  }
  const u32 start = facts_.subprogs[cb.subprog].start;
  const u64 r0 = advance(start) ? run_frame(start) : 1;
  pop_frame();
  implicit_exit_ = false;
  if (stopped_) return 1;
  pc_ = call_pc;
  if (!advance(call_pc)) return 1;
  return r0;
}

}  // namespace osmia::soundness
