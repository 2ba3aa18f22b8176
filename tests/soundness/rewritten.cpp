// Memory is accessed as the verifier allowed it: CheckedProgram checks that, this only what is derived later.
#include "rewritten.h"

#include <fmt/format.h>

#include <cstring>

#include "base/bits.h"
#include "helpers/code.h"
#include "interp/interp.h"
#include "rewrite/rewrite.h"
#include "runtime/engine.h"
#include "semantics.h"

namespace osmia::soundness {

using namespace isa;

namespace {

constexpr u64 kMostInsns = 200000;

bool is_alu(const Insn& in) {
  return in.cls() == kAlu || in.cls() == kAlu64;
}
u64 read_bytes(u64 address, u32 bytes) {
  u64 v = 0;
  std::memcpy(&v, reinterpret_cast<const void*>(address), bytes);
  return v;
}

void atomic(const Insn& in, u64* r) {
  const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
  const u64 address = r[in.dst] + static_cast<u64>(s64{in.off});
  const u64 mask = bytes == 4 ? 0xffffffffu : ~u64{0};
  const u64 old = read_bytes(address, bytes), s = r[in.src] & mask;
  const u64 now = atomic_result(in.imm, old, s, r[kR0] & mask);
  std::memcpy(reinterpret_cast<void*>(address), &now, bytes);
  if (in.imm == kCmpxchg)
    r[kR0] = old;
  else if (in.imm & kFetch)
    r[in.src] = old;
}

}  // namespace

std::shared_ptr<RewrittenProgram> RewrittenProgram::make(runtime::Kernel& kernel, const runtime::Program& p,
                                                         Counters& counters, u64 seed, std::string* why) {
  rewrite::Options options;
  options.helper_code = runtime::helper_code;
  options.load_packet =
      p.type_def && p.type_def->traits & contract::kLdAbsAllowed ? helpers::code::skb_load_packet : nullptr;
  options.privileged = kernel.credentials().capable(contract::Capability::kBpf);
  auto made = rewrite::rewrite(p.desc, p.facts, options);
  if (!made.ok() || !made->missing.empty()) {
    *why = made.ok() ? made->missing : made.error().message;
    return nullptr;
  }
  for (const auto& call : made->calls)
    if (call.tail_call || call.throws) *why = call.name;
  for (const Insn& in : made->insns)
    if (in.cls() == kLdx && (in.mode() == kProbeMem || in.mode() == kProbeMemsx)) *why = "probing loads";
  if (!why->empty()) return nullptr;
  std::shared_ptr<RewrittenProgram> out(new RewrittenProgram(counters, seed));
  out->name_ = p.desc.name;
  out->program_ = std::move(*made);
  out->facts_ = rewrite::operand_facts(out->program_);
  for (u32 s = 0; s < out->program_.subprogs.size(); s++)
    out->callbacks_.push_back({&out->program_, s, &RewrittenProgram::callback, out.get()});
  out->set_entry([](void* ctx, runtime::Executable* self) {
    auto* me = static_cast<RewrittenProgram*>(self);
    me->left_ = kMostInsns;
    me->stopped_ = false;
    // Noise in an upper half that nobody reads is no violation of a range.
    me->scrambles_ = !me->scrambles_;
    const u64 args[5] = {reinterpret_cast<u64>(ctx)};
    return me->run_subprog(0, args);
  });
  return out;
}

u64 RewrittenProgram::callback(const rewrite::BpfCallback* cb, u64 a1, u64 a2, u64 a3, u64 a4, u64 a5) {
  auto* me = const_cast<RewrittenProgram*>(static_cast<const RewrittenProgram*>(cb->owner));
  const u64 args[5] = {a1, a2, a3, a4, a5};
  return me->stopped_ ? 1 : me->run_subprog(cb->subprog, args);
}

void RewrittenProgram::violation(u32 pc, const std::string& what) {
  stopped_ = true;
  if (counters_.violations.size() < 1000)
    counters_.violations.push_back(
        fmt::format("{}: rewritten insn {} (from {}): {}", name_, pc, program_.original[pc], what));
}

bool RewrittenProgram::check(u32 pc, const u64* r) {
  const Insn& in = program_.insns[pc];
  const auto& f = facts_[pc];
  if (!f.reached) {
    violation(pc, "the facts say that no path leads here");
    return false;
  }
  const bool jump = (in.cls() == kJmp || in.cls() == kJmp32) && in.op() != kJa && in.op() != kCall &&
                    in.op() != kExit && in.op() != kJcond;
  if (is_alu(in) || jump) {
    const bool reads_dst = jump || in.op() != kMov;
    if (reads_dst && !f.dst.contains(r[in.dst])) {
      violation(pc, fmt::format("dst r{} is {:#x}, not in [{:#x}, {:#x}]", u32{in.dst}, r[in.dst], f.dst.min,
                                f.dst.max));
      return false;
    }
    const bool by_reg = in.is_reg_src() && !(is_alu(in) && (in.op() == kEnd || in.op() == kNeg));
    if (by_reg && !f.src.contains(r[in.src])) {
      violation(pc, fmt::format("src r{} is {:#x}, not in [{:#x}, {:#x}]", u32{in.src}, r[in.src], f.src.min,
                                f.src.max));
      return false;
    }
  }
  return true;
}

void RewrittenProgram::scramble(u32 pc, u64* r) {
  const auto& f = facts_[pc];
  for (u32 i = 0; i < 10; i++) {
    if (!(f.live >> i & 1))
      r[i] = random_();
    else if (!(f.live_high >> i & 1))
      r[i] = static_cast<u32>(r[i]) | random_() << 32;
  }
}

u64 RewrittenProgram::run_subprog(u32 subprog, const u64* args) {
  alignas(16) u8 stack[512];
  for (u8& b : stack) b = static_cast<u8>(random_());
  u64 r[12] = {};
  for (u32 i = 0; i < 5; i++) r[kR1 + i] = args[i];
  r[kFp] = reinterpret_cast<u64>(stack + sizeof stack);
  u32 pc = program_.subprogs[subprog].start;
  for (;;) {
    if (stopped_ || left_-- == 0) {
      stopped_ = true;
      return 1;
    }
    counters_.facts_insns++;
    const Insn& in = program_.insns[pc];
    if (!scrambles_ && !check(pc, r)) return 1;
    const u32 here = pc++;
    const u32 bytes = static_cast<u32>(size_bytes(in.size_bits()));
    const u64 b = in.is_reg_src() ? r[in.src] : static_cast<u64>(s64{in.imm});
    switch (in.cls()) {
      case kAlu:
      case kAlu64: r[in.dst] = compute(in, r[in.dst], b); break;
      case kLdx: {
        const u64 v = read_bytes(r[in.src] + static_cast<u64>(s64{in.off}), bytes);
        r[in.dst] = in.mode() == kMemsx ? static_cast<u64>(sign_extend(v, bytes * 8)) : v;
        break;
      }
      case kSt:
      case kStx: {
        if (in.cls() == kStx && in.mode() == kAtomic) {
          atomic(in, r);
          break;
        }
        const u64 v = in.cls() == kStx ? r[in.src] : static_cast<u64>(s64{in.imm});
        std::memcpy(reinterpret_cast<void*>(r[in.dst] + static_cast<u64>(s64{in.off})), &v, bytes);
        break;
      }
      case kLd: {
        u64 v = static_cast<u64>(static_cast<u32>(program_.insns[pc].imm)) << 32 | static_cast<u32>(in.imm);
        if (in.src == kPseudoFunc)
          for (u32 s = 0; s < program_.subprogs.size(); s++)
            if (program_.subprogs[s].start == here + 1 + static_cast<u32>(in.imm))
              v = reinterpret_cast<u64>(&callbacks_[s]);
        r[in.dst] = v;
        pc++;
        break;
      }
      default:
        if (in.op() == kExit) return r[kR0];
        if (in.op() == kCall) {
          if (in.src == kPseudoCall) {
            const u32 start = pc + static_cast<u32>(in.imm);
            u32 s = 0;
            while (program_.subprogs[s].start != start) s++;
            r[kR0] = run_subprog(s, r + 1);
          } else {
            r[kR0] = program_.calls[static_cast<size_t>(in.imm)].fn(r[1], r[2], r[3], r[4], r[5]);
          }
          if (stopped_) return 1;
          break;
        }
        if (in.op() == kJa) {
          pc += static_cast<u32>(in.cls() == kJmp ? s32{in.off} : in.imm);
          break;
        }
        const bool taken = in.op() == kJcond ? random_() % 64 == 0 : compare(in, r[in.dst], b);
        if (!(taken ? facts_[here].may_take : facts_[here].may_fall)) {
          violation(here, "a jump goes the way that the facts exclude");
          return 1;
        }
        if (taken) pc += static_cast<u32>(s32{in.off});
    }
    if (scrambles_) scramble(here, r);
  }
}

}  // namespace osmia::soundness
