// What an accepted program's facts say.
#include "harness.h"

namespace osmia::verifier {
namespace {

TEST(Facts, SlotsThatOnlyDirectAccessesReach) {
  const auto o = run(
      "r6 = 5\n*(u64 *)(r10 -24) = r6\nr1 = 0\n*(u64 *)(r10 -8) = r1\nr2 = r10\nr2 += -8\nr1 = map[fd:1]\n"
      "call bpf_map_lookup_elem#1\nr0 = *(u64 *)(r10 -24)\nr3 = r10\nr3 += -40\n*(u8 *)(r3 +7) = 1\nexit");
  EXPECT_ACCEPT(o);
  // Slot 0 is the key, slot 4 is written through r3; slot 2 belongs to the program's own instructions.
  EXPECT_EQ(o.facts.subprogs[0].addressed_slots, 1u << 0 | 1u << 4);
}

TEST(Facts, SlotsOfACallerReachedByItsCallee) {
  const auto o =
      run("*(u64 *)(r10 -8) = 0\n*(u64 *)(r10 -16) = 0\nr1 = r10\nr1 += -16\ncall f\nr0 = 0\nexit\n"
          "f:\n*(u64 *)(r10 -8) = 7\nr2 = *(u64 *)(r10 -8)\n*(u32 *)(r1 +4) = 1\nr0 = 0\nexit");
  EXPECT_ACCEPT(o);
  EXPECT_EQ(o.facts.subprogs[0].addressed_slots, 1u << 1);
  EXPECT_EQ(o.facts.subprogs[1].addressed_slots, 0u);
}

TEST(Facts, AnAddressThatEscapesReachesAllOfItsFrame) {
  // To a helper that reads any memory, and into memory, from where such a helper may be told to.
  const auto read =
      run("*(u64 *)(r10 -8) = 7\nr1 = r10\nr1 += -24\nr2 = 8\nr3 = r10\nr3 += -8\n"
          "call bpf_probe_read_kernel#113\nr0 = 0\nexit");
  EXPECT_ACCEPT(read);
  EXPECT_EQ(read.facts.subprogs[0].addressed_slots, ~u64{0});
  const auto kept =
      run("*(u64 *)(r10 -8) = 7\nr1 = r10\n*(u64 *)(r10 -16) = r1\nr0 = *(u64 *)(r10 -8)\nexit");
  EXPECT_ACCEPT(kept);
  EXPECT_EQ(kept.facts.subprogs[0].addressed_slots, ~u64{0});
}

TEST(Facts, ALoopThatCanBeInlinedAndItsStack) {
  const auto program = [](int flags) {
    return "*(u32 *)(r10 -12) = 119\nr1 = 4\nr2 = subprog[cb]\nr3 = 0\nr4 = " + std::to_string(flags) +
           "\ncall bpf_loop#181\nmay_goto +1\nr0 = 1\nr0 = 0\nexit\ncb:\nr0 = 0\nexit";
  };
  const auto o = run(program(0), "xdp", ~0u, 4, 11);
  EXPECT_ACCEPT(o);
  EXPECT_TRUE(o.facts.insns[6].inlinable_loop);
  EXPECT_EQ(o.facts.insns[6].callback_subprog, 1);
  EXPECT_EQ(o.facts.subprogs[0].stack_depth, 16u);
  EXPECT_EQ(o.facts.subprogs[0].stack_extra, 24u + 8);
  EXPECT_NE(o.log.find("stack depth 48+0\n"), std::string::npos) << o.log;
}

}  // namespace
}  // namespace osmia::verifier
