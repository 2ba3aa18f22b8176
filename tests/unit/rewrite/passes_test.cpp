// Each pass: what it writes, and where it can be run, that it computes what it should.
#include "harness.h"
#include "isa/opcode_table.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

TEST(DeadCode, IsRemovedAndDecidedBranchesAreWired) {
  Case c("r0 = 0\nif r1 == 0 goto +2\nr0 = 1\ngoto +1\nr0 = 2\nif r0 != 0 goto +1\nr0 = 3\nexit");
  c.facts.insns[2].seen = c.facts.insns[3].seen = false;  // r1 is always 0
  c.facts.insns[6].seen = false;                          // r0 is never 0
  // Both jumps lead over dead code alone: nothing is left of them.
  c.becomes("r0 = 0\nr0 = 2\nexit");
}

TEST(DeadCode, AJumpOverLiveCodeStays) {
  Case c("if r1 == 0 goto +2\nr0 = 1\nexit\nr0 = 2\nexit\nr0 = 3\nexit");
  c.facts.insns[1].seen = c.facts.insns[2].seen = false;
  c.facts.insns[5].seen = c.facts.insns[6].seen = false;
  c.becomes("r0 = 2\nexit");
  Case d("if r1 == 0 goto +1\nr0 = 1\nr2 = 2\nexit\nr0 = 2\ngoto -3");
  d.facts.insns[4].seen = d.facts.insns[5].seen = false;
  d.becomes("if r1 == 0 goto +1\nr0 = 1\nr2 = 2\nexit");
}

TEST(DeadCode, BecomesTrapsForTheUnprivileged) {
  Case c("r0 = 0\nif r1 == 0 goto +3\nr2 = 0x1234567887654321 ll\nr0 = 1\nexit");
  c.options.privileged = false;
  for (const u32 i : {2u, 3u, 4u}) c.facts.insns[i].seen = false;
  c.becomes("r0 = 0\nif r1 == 0 goto +3\ngoto -1\ngoto -1\ngoto -1\nexit");
}

TEST(DeadCode, RemovableSpillsGoOnlyWhereCallsKeepRegisters) {
  const char* text = "r2 = 7\n*(u64 *)(r10 -16) = r2\nr0 = 1\nr2 = *(u64 *)(r10 -16)\nr0 += r2\nexit";
  for (const bool keeps : {false, true}) {
    Case c(text);
    c.facts.insns[1].removable = c.facts.insns[3].removable = true;
    c.facts.subprogs[0].stack_depth = 0;
    c.facts.subprogs[0].frame_bytes = 16;
    c.options.calls_keep_registers = keeps;
    const ExecProgram p = c.run();
    EXPECT_EQ(p.subprogs[0].stack_bytes, keeps ? 0u : 16u);
    EXPECT_EQ(p.insns.size(), keeps ? 4u : 6u);
    EXPECT_EQ(interpret(p), 8u);
  }
}

TEST(Loops, BecomeCallsOfTheirCallback) {
  Case c(
      "r1 = 5\nr2 = subprog[callback]\nr3 = r10\nr3 += -8\nr4 = 0\n*(u64 *)(r10 -8) = r4\ncall loop#181\n"
      "r1 = *(u64 *)(r10 -8)\nr0 *= 1000\nr0 += r1\nexit\n"
      "callback:\nr3 = *(u64 *)(r2 +0)\nr3 += r1\n*(u64 *)(r2 +0) = r3\nr0 = 0\nif r1 != 3 goto +1\nr0 = "
      "1\nexit");
  c.subprogs({0, 12});
  auto& call = c.facts.insns[7];
  call.inlinable_loop = true;
  call.callback_subprog = 1;
  c.options.inline_loops = true;
  const ExecProgram p = c.run();
  EXPECT_TRUE(p.calls.empty());
  EXPECT_EQ(p.subprogs[0].stack_bytes, 32u);
  EXPECT_EQ(p.subprogs[1].stack_bytes, 8u);
  EXPECT_EQ(interpret(p), 4u * 1000 + (0 + 1 + 2 + 3));  // stopped by the callback in its fourth round

  // Where the frame would be too large, it stays a call.
  c.facts.subprogs[0].stack_depth = c.facts.subprogs[0].frame_bytes = 496;
  static const contract::HelperDef loop{.id = 181, .name = "bpf_loop"};
  call.helper = &loop;
  EXPECT_EQ(c.run().calls.size(), 1u);
}

TEST(Loops, TooManyRoundsAreE2big) {
  for (const u64 rounds : {u64{8388608}, u64{8388609}}) {
    Case c("r1 = " + std::to_string(rounds) +
           "\nr2 = subprog[callback]\nr3 = 0\nr4 = 0\ncall loop#181\nexit\ncallback:\nr0 = 1\nexit");
    c.subprogs({0, 7});
    c.facts.insns[5].inlinable_loop = true;
    c.facts.insns[5].callback_subprog = 1;
    c.options.inline_loops = true;
    EXPECT_EQ(interpret(c.run()), rounds > 8388608 ? u64{static_cast<u32>(-7)} : 1u);
  }
}

TEST(Division, GuardsComputeWhatRfc9669Says) {
  const u64 values[] = {0,          1,           2,           7,          0x7fffffff, 0x80000000,
                        0xffffffff, 0x100000000, 0x100000003, 1ull << 63, ~0ull,      ~0ull - 1};
  const char* const forms[] = {"r6 /= r7", "r6 %= r7", "r6 s/= r7", "r6 s%= r7",
                               "w6 /= w7", "w6 %= w7", "w6 s/= w7", "w6 s%= w7"};
  for (const char* form : forms)
    for (const u64 a : values)
      for (const u64 b : values) {
        Case c("r6 = " + std::to_string(static_cast<s64>(a)) +
               " ll\nr7 = " + std::to_string(static_cast<s64>(b)) + " ll\n" + form + "\nr0 = r6\nexit");
        const u64 plain = interpret(c.run());
        c.options.guard_divisions = true;
        const ExecProgram guarded = c.run();
        ASSERT_GT(guarded.insns.size(), c.insns.size());
        ASSERT_EQ(interpret(guarded), plain) << form << " " << a << " " << b;
      }
}

TEST(Division, ByMinusOneNeedsNoTest) {
  Case c("r0 s/= -1\nr1 s%= -1\nw2 s/= -1\nr3 /= 5\nr4 s/= 3\nexit");
  c.options.guard_divisions = true;
  c.becomes("r0 = -r0\nw1 = 0\nw2 = -w2\nr3 /= 5\nr4 s/= 3\nexit");
}

TEST(MayGoto, CountsInTheFrame) {
  Case c("r0 = 0\nagain:\nmay_goto +2\nr0 += 1\ngoto again\nexit");
  c.options.expand_may_goto = true;
  c.becomes(
      "*(u64 *)(r10 -16) = 8388608\nr0 = 0\nagain:\nr11 = *(u64 *)(r10 -16)\nif r11 == 0 goto +4\nr11 -= 1\n"
      "*(u64 *)(r10 -16) = r11\nr0 += 1\ngoto again\nexit");
  const ExecProgram p = c.run();
  EXPECT_EQ(p.subprogs[0].stack_bytes, 16u);
  EXPECT_EQ(interpret(p), 8388608u);
  c.options.expand_may_goto = false;
  EXPECT_EQ(interpret(c.run()), 8388608u);
}

TEST(MayGoto, JumpsToTheFirstInstructionDoNotStartAnew) {
  Case c("again:\nmay_goto +2\nr1 += 1\ngoto again\nr0 = r1\nexit");
  c.options.expand_may_goto = true;
  const ExecProgram p = c.run();
  EXPECT_EQ(interpret(p, 5), 8388613u);
  EXPECT_EQ(p.original[0], 0u);
}

struct MaskCase {
  const char* op;
  u8 state;
  s64 offset;   // of the pointer's neighbour, as the program's register holds it
  bool inside;  // within the limit of 16
};

TEST(Masks, KeepOffsetsInsideAndStopOthers) {
  using namespace verifier;
  const MaskCase cases[] = {
      {"r6 += r7", kMaskSrc, 16, true},
      {"r6 += r7", kMaskSrc, 0, true},
      {"r6 += r7", kMaskSrc, 17, false},
      {"r6 += r7", kMaskSrc, -1, false},
      {"r6 += r7", kMaskSrc | kMaskNegative, -16, true},
      {"r6 += r7", kMaskSrc | kMaskNegative, -17, false},
      {"r6 += r7", kMaskSrc | kMaskNegative, 3, false},
      {"r6 -= r7", kMaskSrc, 9, true},
      {"r6 -= r7", kMaskSrc, 99, false},
      {"r6 -= r7", kMaskSrc | kMaskNegative, -9, true},
  };
  for (const MaskCase& m : cases) {
    Case c("r6 = 1000\nr7 = " + std::to_string(m.offset) + "\n" + m.op +
           "\nr0 = r6\nr0 <<= 32\nr7 += 100\nr0 += r7\nexit");
    const u64 plain = interpret(c.run());
    c.facts.insns[2].alu_state = m.state;
    c.facts.insns[2].alu_limit = 16;
    const u64 masked = interpret(c.run());
    const u64 bare = (u64{1000} << 32) + static_cast<u64>(m.offset + 100);
    EXPECT_EQ(masked, m.inside ? plain : bare) << m.op << " " << m.offset;
  }
  // The pointer is the source: "scalar += pointer".
  Case c("r6 = 4\nr7 = 1000\nr6 += r7\nr0 = r6\nexit");
  c.facts.insns[2].alu_state = kMaskDst;
  c.facts.insns[2].alu_limit = 16;
  EXPECT_EQ(interpret(c.run()), 1004u);
  c.facts.insns[2].alu_limit = 3;
  EXPECT_EQ(interpret(c.run()), 1000u);
}

TEST(Masks, ConstantsBecomeImmediatesAndScalarsStay) {
  Case c("r6 += r7\nr6 += r8\nr6 -= r9\nexit");
  c.facts.insns[0].alu_state = verifier::kMaskSrc | verifier::kMaskConstant;
  c.facts.insns[0].alu_limit = 12;
  c.facts.insns[1].alu_state = verifier::kMaskNone;
  c.becomes("w11 = 12\nr6 += r11\nr6 += r8\nr6 -= r9\nexit");
}

TEST(Masks, TailCallIndexesOfTheUnprivileged) {
  static const contract::HelperDef tail{.id = 12, .name = "bpf_tail_call", .effects = contract::kTailCall};
  verifier::MapInfo progs;
  progs.max_entries = 5;
  Case c("r3 = 0x100000000 ll\ncall bpf_tail_call#12\nr0 = 2\nexit");
  c.facts.insns[2].helper = &tail;
  c.facts.insns[2].map = &progs;
  c.becomes("r3 = 0x100000000 ll\ncall x#0\nr0 = 2\nexit");
  c.options.privileged = false;
  c.becomes("r3 = 0x100000000 ll\nif r3 >= 5 goto +2\nw3 &= 7\ncall x#0\nr0 = 2\nexit");
}

TEST(Barriers, BehindACallThereIsNone) {
  static const contract::HelperDef random{.id = 7, .name = "bpf_get_prandom_u32"};
  Case c("call x#7\nexit");
  c.facts.insns[0].helper = &random;
  c.facts.insns[0].nospec = true;
  EXPECT_EQ(c.run().insns.size(), 2u);
  EXPECT_EQ(c.run().calls.size(), 1u);
}

TEST(Barriers, StandBehindTheStore) {
  Case c("*(u64 *)(r10 -8) = r1\nr0 = *(u64 *)(r10 -8)\nexit");
  c.facts.insns[0].nospec = true;
  const ExecProgram p = c.run();
  ASSERT_EQ(p.insns.size(), 4u);
  EXPECT_EQ(p.insns[1].code, kSt | kNospecMode);
  EXPECT_EQ(interpret(p, 77), 77u);
}

TEST(RandomHigh, OnlyWhereTheUpperHalfIsUnused) {
  Case c("w2 = 5\nw3 = 6\nr2 <<= 32\nr0 = r2\nr0 >>= 32\nw0 += w3\nexit");
  c.facts.insns[1].zext_dst = false;
  for (const u32 i : {2u, 3u, 4u, 5u}) c.facts.insns[i].zext_dst = true;
  c.facts.insns[0].zext_dst = false;
  c.options.randomize_high = true;
  const ExecProgram p = c.run();
  EXPECT_EQ(p.insns.size(), c.insns.size() + 2 * 3);
  EXPECT_EQ(static_cast<u32>(interpret(p)), 11u);
}

TEST(Context, AFieldInTwoStepsAndANarrowRead) {
  contract::CtxField field{.offset = 8, .size = 4, .name = "field"};
  field.host.count = 2;
  field.host.steps[0] = {16, 8};
  field.host.steps[1] = {4, 4};
  Case c("r0 = *(u32 *)(r1 +8)\nexit");
  c.facts.insns[0].ctx_field = &field;
  c.becomes("r0 = *(u64 *)(r1 +16)\nif r0 == 0 goto +1\nr0 = *(u32 *)(r0 +4)\nexit");
  Case d("r0 = *(u8 *)(r1 +10)\nexit");
  d.facts.insns[0].ctx_field = &field;
  d.becomes("r0 = *(u64 *)(r1 +16)\nif r0 == 0 goto +3\nr0 = *(u32 *)(r0 +4)\nr0 >>= 16\nw0 &= 255\nexit");
}

TEST(LinuxView, CallsAreInlinedAsThere) {
  static const contract::HelperDef cpu{.id = 8, .name = "bpf_get_smp_processor_id"};
  static const contract::HelperDef jiffies{.id = 118, .name = "bpf_jiffies64"};
  static const contract::HelperDef random{.id = 7, .name = "bpf_get_prandom_u32"};
  Case c("call x#8\ncall x#118\ncall x#7\nr1 /= r2\nexit");
  c.facts.insns[0].helper = &cpu;
  c.facts.insns[1].helper = &jiffies;
  c.facts.insns[2].helper = &random;
  auto p = linux_view(c.program, c.facts, true);
  ASSERT_TRUE(p.ok());
  const auto& in = p->insns;
  ASSERT_EQ(in.size(), 3u + 3 + 1 + 4 + 1);
  EXPECT_EQ(in[1].off, kAddrPercpu);
  EXPECT_TRUE(is_ld_imm64(in[3]));
  ASSERT_EQ(in[6].code, kJmp | kCall);
  EXPECT_EQ(p->calls[static_cast<size_t>(in[6].imm)].name, "bpf_get_prandom_u32");
  EXPECT_EQ(p->original[6], 2u);
}

TEST(LinuxView, ExceptionsWithoutACallbackEndInAHiddenSubprogram) {
  Case c("r0 = 0\nexit");
  c.facts.default_exception_callback = true;
  auto p = linux_view(c.program, c.facts, true);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(text_of(p->insns), text_of(assembled("r0 = 0\nexit\nr0 = r1\nexit")));
  EXPECT_EQ(p->subprogs.size(), 1u);
  EXPECT_EQ(p->subprogs[0].end, 2u);
}

}  // namespace
}  // namespace osmia::rewrite
