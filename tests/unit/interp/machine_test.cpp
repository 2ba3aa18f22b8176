// Every operation against the slow reference at corner values and at random; then what only an engine has:
// calls, callbacks, tail calls, faulting reads, and what compile() refuses.
#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "interp/interp.h"
#include "isa/asm.h"
#include "isa/opcode_table.h"
#include "reference.h"
#include "rewrite/unverified.h"

namespace osmia::interp {
namespace {

using namespace isa;

struct Ready {
  std::unique_ptr<rewrite::ExecProgram> program;
  std::shared_ptr<const Code> code;
};
Ready ready(std::span<const Insn> insns, const std::function<rewrite::ExecCall(s32)>& helper = {},
            TailCallFn tail = nullptr) {
  Ready r;
  auto p = rewrite::unverified(insns, helper);
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
  if (!p.ok()) return r;
  r.program = std::make_unique<rewrite::ExecProgram>(std::move(*p));
  auto c = Code::compile(*r.program, tail);
  EXPECT_TRUE(c.ok()) << (c.ok() ? "" : c.error().message);
  if (c.ok()) r.code = *c;
  return r;
}
Ready ready(std::string_view text, const std::function<rewrite::ExecCall(s32)>& helper = {},
            TailCallFn tail = nullptr) {
  auto insns = assemble(text);
  EXPECT_TRUE(insns.ok()) << (insns.ok() ? "" : insns.error().message);
  return ready(std::span<const Insn>(*insns), helper, tail);
}
u64 run(std::string_view text, u64 r1 = 0, u64 r2 = 0) {
  return ready(text).code->run(r1, r2);
}

std::vector<u64> operands() {
  std::vector<u64> v = {0,
                        1,
                        2,
                        3,
                        7,
                        31,
                        32,
                        33,
                        63,
                        64,
                        65,
                        127,
                        128,
                        255,
                        0x7fff,
                        0x8000,
                        0xffff,
                        0x7fffffff,
                        0x80000000,
                        0xffffffff,
                        0x100000000,
                        0x180000000,
                        0xffffffff00000000,
                        0xffffffff80000000,
                        0x7fffffffffffffff,
                        0x8000000000000000,
                        0x8000000000000001,
                        0xfffffffffffffffe,
                        0xffffffffffffffff,
                        0x123456789abcdef0};
  std::mt19937_64 random(9669);
  for (int i = 0; i < 20; i++) v.push_back(random() >> (random() % 64));
  return v;
}

TEST(Machine, ArithmeticEqualsTheReference) {
  const auto values = operands();
  int forms = 0;
  for (const OpInfo& op : all_ops()) {
    if (op.kind != OpKind::kAlu && op.kind != OpKind::kMov) continue;
    forms++;
    const bool is_signed = op.selector == Selector::kOff && op.variant == 1;
    for (const u64 b : values) {
      const bool reg = op.reg_src();
      Insn in{.code = op.code,
              .dst = 1,
              .src = static_cast<u8>(reg ? 2 : 0),
              .off = static_cast<s16>(is_signed),
              .imm = reg ? 0 : static_cast<s32>(b)};
      const std::vector<Insn> p = {
          in, {.code = kAlu64 | kMov | kX, .dst = 0, .src = 1}, {.code = kJmp | kExit}};
      const auto r = ready(std::span<const Insn>(p));
      const u64 rhs = reg ? b : static_cast<u64>(static_cast<s64>(in.imm));
      for (const u64 a : values) {
        const auto want = reference::alu(op.code & 0xf0, op.width, is_signed, a, rhs);
        ASSERT_TRUE(want) << int{op.code};
        ASSERT_EQ(r.code->run(a, b), *want)
            << std::hex << "code " << int{op.code} << (is_signed ? " signed " : " ") << a << " and " << rhs;
      }
    }
  }
  EXPECT_EQ(forms, 4 * (11 + 2 + 1));  // ten operations with arsh, div and mod also signed, mov
}

TEST(Machine, ComparisonsEqualTheReference) {
  const auto values = operands();
  int forms = 0;
  for (const OpInfo& op : all_ops()) {
    if (op.kind != OpKind::kJcc || op.text_only) continue;
    forms++;
    for (const u64 b : values) {
      const bool reg = op.reg_src();
      const Insn in{.code = op.code,
                    .dst = 1,
                    .src = static_cast<u8>(reg ? 2 : 0),
                    .off = 2,
                    .imm = reg ? 0 : static_cast<s32>(b)};
      const std::vector<Insn> p = {in,
                                   {.code = kAlu | kMov | kK, .dst = 0, .imm = 0},
                                   {.code = kJmp | kExit},
                                   {.code = kAlu | kMov | kK, .dst = 0, .imm = 1},
                                   {.code = kJmp | kExit}};
      const auto r = ready(std::span<const Insn>(p));
      const u64 rhs = reg ? b : static_cast<u64>(static_cast<s64>(in.imm));
      for (const u64 a : values)
        ASSERT_EQ(r.code->run(a, b), *reference::taken(op.code & 0xf0, op.width, a, rhs) ? 1u : 0u)
            << std::hex << "code " << int{op.code} << " " << a << " and " << rhs;
    }
  }
  EXPECT_EQ(forms, 44);
}

TEST(Machine, AtomicsEqualAnOrdinaryUpdate) {
  const auto values = operands();
  for (const OpInfo& op : all_ops()) {
    if (op.kind != OpKind::kAtomic || op.internal) continue;
    const Insn in{.code = op.code, .dst = 1, .src = 2, .off = 8, .imm = op.variant};
    // r0 in, r2 in; gives r0 or r2 as the operation returns it
    const bool compare = op.variant == kCmpxchg;
    const std::vector<Insn> p = {
        {.code = kLdx | kMem | kDw, .dst = 0, .src = 1, .off = 16},
        in,
        {.code = kAlu64 | kMov | kX, .dst = 0, .src = static_cast<u8>(compare ? 0 : 2)},
        {.code = kJmp | kExit}};
    const auto r = ready(std::span<const Insn>(p));
    const u64 mask = op.width == 64 ? ~u64{0} : 0xffffffff;
    for (const u64 old : values)
      for (const u64 arg : values) {
        const u64 expect = arg ^ (old & 1 ? old ^ arg : 0);  // equals old half of the time
        u64 memory[4] = {1, old, expect, 3};
        u64 stored = 0;
        switch (op.variant & 0xf0) {
          case kAdd: stored = old + arg; break;
          case kOr: stored = old | arg; break;
          case kAnd: stored = old & arg; break;
          case kXor: stored = old ^ arg; break;
          case kXchg & 0xf0: stored = arg; break;
          default: stored = (old & mask) == (expect & mask) ? arg : old;
        }
        const u64 got = r.code->run(reinterpret_cast<u64>(memory), arg);
        ASSERT_EQ(memory[1], (stored & mask) | (old & ~mask))
            << std::hex << op.variant << " width " << int{op.width};
        ASSERT_EQ(got, op.variant & kFetch ? old & mask : arg)
            << std::hex << op.variant << " width " << int{op.width};
        ASSERT_EQ(memory[0], 1u);
        ASSERT_EQ(memory[2], expect);
      }
  }
}

TEST(Machine, LoadsAndStoresOfEveryWidthAndSign) {
  const u8 bytes[16] = {0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
                        0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
  for (const OpInfo& op : all_ops()) {
    const bool load = op.kind == OpKind::kLoad || op.kind == OpKind::kLoadSx;
    if (!load || op.internal) continue;
    for (s16 off = 0; off + op.width / 8 <= 16; off++) {
      const std::vector<Insn> p = {{.code = op.code, .dst = 0, .src = 1, .off = static_cast<s16>(off - 4)},
                                   {.code = kJmp | kExit}};
      u64 want = 0;
      for (int i = op.width / 8; i--;) want = want << 8 | bytes[off + i];
      if (op.kind == OpKind::kLoadSx && want >> (op.width - 1)) want |= ~u64{0} << (op.width - 1);
      EXPECT_EQ(ready(std::span<const Insn>(p)).code->run(reinterpret_cast<u64>(bytes) + 4), want)
          << int{op.code} << " at " << off;
    }
  }
}

TEST(Machine, MovesWithSignExtension) {
  for (const unsigned bits : {8u, 16u, 32u})
    for (const bool wide : {true, false}) {
      if (!wide && bits == 32) continue;
      for (const u64 v : operands()) {
        const std::vector<Insn> p = {{.code = static_cast<u8>((wide ? kAlu64 : kAlu) | kMov | kX),
                                      .dst = 0,
                                      .src = 1,
                                      .off = static_cast<s16>(bits)},
                                     {.code = kJmp | kExit}};
        u64 want = v & ((u64{1} << bits) - 1);
        if (want >> (bits - 1)) want |= ~u64{0} << bits;
        if (!wide) want &= 0xffffffff;
        EXPECT_EQ(ready(std::span<const Insn>(p)).code->run(v), want) << bits;
      }
    }
}

TEST(Machine, HelpersGetFiveArgumentsAndOnlyR0Changes) {
  const auto helper = [](s32 id) {
    EXPECT_EQ(id, 77);
    return rewrite::ExecCall{
        [](u64 a, u64 b, u64 c, u64 d, u64 e) -> u64 { return a + 10 * b + 100 * c + 1000 * d + 10000 * e; },
        "h"};
  };
  const auto r = ready("r6 = 6\nr1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall 77\nr0 += r6\nexit", helper);
  EXPECT_EQ(r.code->run(0), 54327u);
}

TEST(Machine, CallbacksRunWithTheirArguments) {
  // The helper calls r2 with (i, ctx) for i below r1 until it gives non-zero, as bpf_loop does.
  const auto helper = [](s32) {
    return rewrite::ExecCall{[](u64 n, u64 fn, u64 ctx, u64, u64) -> u64 {
                               for (u64 i = 0; i < n; i++)
                                 if (invoke(fn, i, ctx)) return i + 1;
                               return n;
                             },
                             "loop"};
  };
  const auto r = ready(R"(
*(u64 *)(r10 -8) = 0
r1 = 100
r2 = subprog[each]
r3 = r10
r3 += -8
call 181
r6 = *(u64 *)(r10 -8)
r6 <<= 32
r0 |= r6
exit
each:
r3 = *(u64 *)(r2 +0)
r3 += r1
*(u64 *)(r2 +0) = r3
r0 = 0
if r1 != 9 goto +1
r0 = 1
exit
)",
                       helper);
  EXPECT_EQ(r.code->run(0), u64{45} << 32 | 10);
}

const Code* g_targets[4];
TailTarget find_target(u64 map, u32 index) {
  EXPECT_EQ(map, 0x1234u);
  return {.code = index < 4 ? g_targets[index] : nullptr};
}
rewrite::ExecCall tail_call(s32) {
  return {nullptr, "bpf_tail_call", true};
}

TEST(Machine, TailCallsReplaceTheProgram) {
  const auto caller = ready("r6 = 1\nr2 = 0x1234\nr3 = 2\ncall 12\nr0 = 99\nexit", tail_call, find_target);
  const auto target = ready("r0 = *(u32 *)(r1 +0)\nr0 += 1\nexit");
  u32 ctx = 41;
  g_targets[2] = nullptr;
  EXPECT_EQ(caller.code->run(reinterpret_cast<u64>(&ctx)), 99u);
  g_targets[2] = target.code.get();
  EXPECT_EQ(caller.code->run(reinterpret_cast<u64>(&ctx)), 42u);
  g_targets[2] = nullptr;
}

TEST(Machine, AtMost33TailCallsInARun) {
  // Counts its runs in the context and calls itself; then the same from a subprogram of each run.
  const auto self =
      ready("r2 = *(u32 *)(r1 +0)\nr2 += 1\n*(u32 *)(r1 +0) = r2\nr2 = 0x1234\nr3 = 1\ncall 12\nr0 = 7\nexit",
            tail_call, find_target);
  u32 runs = 0;
  g_targets[1] = self.code.get();
  EXPECT_EQ(self.code->run(reinterpret_cast<u64>(&runs)), 7u);
  EXPECT_EQ(runs, 34u);
  const auto nested = ready(R"(
r2 = *(u32 *)(r1 +0)
r2 += 1
*(u32 *)(r1 +0) = r2
call sub
r0 = 8
exit
sub:
r2 = 0x1234
r3 = 1
call 12
r0 = 0
exit
)",
                            tail_call, find_target);
  g_targets[1] = nested.code.get();
  runs = 0;
  EXPECT_EQ(nested.code->run(reinterpret_cast<u64>(&runs)), 8u);
  EXPECT_EQ(runs, 34u);
  g_targets[1] = nullptr;
}

TEST(Machine, ProbingLoadsGiveZeroWhereMemoryIsMissing) {
  u64 copy = 0, source = 1;
  iovec to{&copy, 8}, from{&source, 8};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 && errno == ENOSYS)
    GTEST_SKIP() << "no process_vm_readv (qemu-user)";
  for (const u8 size : {kB, kH, kW, kDw}) {
    rewrite::ExecProgram p;
    p.insns = {{.code = static_cast<u8>(kLdx | kProbeMem | size), .dst = 0, .src = 1, .off = -8},
               {.code = kJmp | kExit}};
    p.subprogs = {{0, 2, 0, "main"}};
    auto code = Code::compile(p);
    ASSERT_TRUE(code.ok());
    EXPECT_EQ((*code)->run(0), 0u);
    EXPECT_EQ((*code)->run(16), 0u);
    u64 there = 0xf1f2f3f4f5f6f7f8;
    const u64 mask = size == kDw ? ~u64{0} : (u64{1} << (8 * size_bytes(size))) - 1;
    EXPECT_EQ((*code)->run(reinterpret_cast<u64>(&there + 1)), there & mask);
    if (size == kDw) continue;
    p.insns[0].code = static_cast<u8>(kLdx | kProbeMemsx | size);
    code = Code::compile(p);
    ASSERT_TRUE(code.ok());
    EXPECT_EQ((*code)->run(16), 0u);
    EXPECT_EQ((*code)->run(reinterpret_cast<u64>(&there + 1)), there | ~mask);
  }
}

TEST(Machine, EachFrameStartsZeroed) {
  EXPECT_EQ(run("call first\ncall second\nexit\nfirst:\n*(u64 *)(r10 -16) = 77\nr0 = 0\nexit\nsecond:\nr0 = "
                "*(u64 *)(r10 -16)\nexit"),
            0u);
}

TEST(Machine, CompileRefusesWhatNoEngineKnows) {
  auto code_of = [](std::vector<Insn> insns) {
    rewrite::ExecProgram p;
    p.insns = std::move(insns);
    p.subprogs = {{0, static_cast<u32>(p.insns.size()), 0, "main"}};
    const auto code = Code::compile(p);
    return code.ok() ? 0 : code.error().code;
  };
  const Insn exit{.code = kJmp | kExit};
  EXPECT_EQ(code_of({exit}), 0);
  EXPECT_EQ(code_of({Insn{.code = 0xff}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kJmp | kJa, .off = 1}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kJmp | kJa, .off = -2}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kJmp | kCall, .src = kPseudoCall, .imm = 5}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kJmp | kCall, .imm = 0}, exit}),
            EINVAL);                                             // no such entry in the call table
  EXPECT_EQ(code_of({Insn{.code = kLd | kImm | kDw}}), EINVAL);  // half an instruction
  EXPECT_EQ(code_of({Insn{.code = kLd | kImm | kDw, .src = kPseudoMapFd}, {}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kStx | kAtomic | kB, .dst = 1, .src = 2, .imm = kAdd}, exit}), EINVAL);
  EXPECT_EQ(code_of({Insn{.code = kAlu64 | kMov | kX, .dst = 15}, exit}), EINVAL);
}

}  // namespace
}  // namespace osmia::interp
