// What is around the code: faults, callbacks, tail calls, memory that is never writable and executable.
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "isa/asm.h"
#include "jit/common/fault_table.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::jit {
namespace {

using namespace isa;

rewrite::ExecProgram assemble_program(const std::string& text,
                                      const std::function<rewrite::ExecCall(s32)>& helper = {}) {
  auto insns = assemble(text);
  EXPECT_TRUE(insns.ok()) << (insns.ok() ? "" : insns.error().message);
  auto program = rewrite::unverified(*insns, helper);
  EXPECT_TRUE(program.ok()) << (program.ok() ? "" : program.error().message);
  return *program;
}
std::shared_ptr<const Image> compiled(const rewrite::ExecProgram& p, Tier tier,
                                      TailCallFn tail_call = nullptr) {
  auto image = compile(p, {.tail_call = tail_call, .tier = tier});
  EXPECT_TRUE(image.ok()) << (image.ok() ? "" : image.error().message);
  return image.ok() ? *image : nullptr;
}

class BothTiers : public testing::TestWithParam<Tier> {
  void SetUp() override {
    if (!available()) GTEST_SKIP() << "no JIT for this CPU";
  }
};
INSTANTIATE_TEST_SUITE_P(Tiers, BothTiers, testing::Values(Tier::kDirect, Tier::kOptimised));

TEST_P(BothTiers, LoadsThatFaultGiveZero) {
  auto p = assemble_program("r0 = 7\nr0 = *(u64 *)(r1 +0)\nr0 += 5\nexit\n");
  p.insns[1].code = static_cast<u8>((p.insns[1].code & 0x1f) | kProbeMem);
  const auto image = compiled(p, GetParam());
  const u64 there = 37;
  EXPECT_EQ(image->entry()(reinterpret_cast<u64>(&there), 0, 0, 0, 0, nullptr), 42u);
  EXPECT_EQ(image->entry()(8, 0, 0, 0, 0, nullptr), 5u);
  EXPECT_EQ(image->entry()(0xdead'beef'dead'beef, 0, 0, 0, 0, nullptr), 5u);  // not canonical
}

TEST_P(BothTiers, FaultsAreForgottenWithTheImage) {
  auto p = assemble_program("r0 = *(u32 *)(r1 +0)\nexit\n");
  p.insns[0].code = static_cast<u8>((p.insns[0].code & 0x1f) | kProbeMem);
  auto image = compiled(p, GetParam());
  const auto bytes = image->bytes();
  u32 known = 0;
  for (const u8& b : bytes) known += resume_address(reinterpret_cast<u64>(&b)) != 0;
  EXPECT_EQ(known, 1u);
  image.reset();
  for (size_t k = 0; k < bytes.size(); k++)
    EXPECT_EQ(resume_address(reinterpret_cast<u64>(bytes.data()) + k), 0u);
}

u64 call_twice(u64 callback, u64 x, u64, u64, u64) {
  const auto* cb = reinterpret_cast<const rewrite::BpfCallback*>(callback);
  return cb->call(cb, x, 1, 2, 3, 4) * 1000 + cb->call(cb, x + 1, 5, 6, 7, 8);
}

TEST_P(BothTiers, HelpersCallCallbacks) {
  // r6 survives the callback; the callback adds its five arguments.
  auto insns = assemble(
      "r6 = r1\nr1 = 0 ll\nr2 = r6\ncall 1\nr0 += r6\nexit\n"
      "r0 = r1\nr0 += r2\nr0 += r3\nr0 += r4\nr0 += r5\nr6 = 99\nexit\n");
  ASSERT_TRUE(insns.ok()) << insns.error().message;
  (*insns)[1].src = kPseudoFunc;
  (*insns)[1].imm = 5;  // instruction 7
  auto p =
      rewrite::unverified(*insns, [](s32) { return rewrite::ExecCall{.fn = call_twice, .name = "twice"}; });
  ASSERT_TRUE(p.ok()) << p.error().message;
  const auto image = compiled(*p, GetParam());
  EXPECT_EQ(image->entry()(100, 0, 0, 0, 0, nullptr), 110 * 1000 + 127 + 100u);
}

Entry g_target;
Entry next_program(u64 map, u32 index, u32* tail_calls) {
  if (map != 77 || index != 3 || *tail_calls >= kMaxTailCalls) return nullptr;
  ++*tail_calls;
  return g_target;
}

TEST_P(BothTiers, TailCallsReplaceTheProgramAndCount) {
  const auto tail = [](s32) { return rewrite::ExecCall{.name = "tail", .tail_call = true}; };
  // The context counts the programs that ran.
  const auto p = assemble_program(
      "r6 = r1\nr2 = *(u64 *)(r1 +0)\nr2 += 1\n*(u64 *)(r1 +0) = r2\n"
      "r2 = 77\nr3 = 3\ncall 1\nr0 = *(u64 *)(r6 +0)\nexit\n",
      tail);
  const auto image = compiled(p, GetParam(), next_program);
  ASSERT_TRUE(image->makes_tail_calls());
  g_target = image->entry();
  u64 ran = 0;
  u32 count = 0;
  EXPECT_EQ(image->entry()(reinterpret_cast<u64>(&ran), 0, 0, 0, 0, &count), 34u);
  EXPECT_EQ(count, kMaxTailCalls);
  EXPECT_EQ(ran, 34u);
}

TEST_P(BothTiers, CodeIsNeverWritableAndExecutable) {
  const auto image = compiled(assemble_program("r0 = 1\nexit\n"), GetParam());
  std::ifstream maps("/proc/self/maps");
  const u64 code = reinterpret_cast<u64>(image->bytes().data());
  bool found = false;
  for (std::string line; std::getline(maps, line);) {
    u64 start = 0, end = 0;
    char access[5] = {};
    ASSERT_EQ(std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, access), 3);
    EXPECT_FALSE(access[1] == 'w' && access[2] == 'x') << line;
    if (code < start || code >= end) continue;
    found = true;
    EXPECT_STREQ(access, "r-xs") << line;
  }
  EXPECT_TRUE(found);
}

TEST_P(BothTiers, TheMapLeadsFromCodeToInstructions) {
  const auto image = compiled(assemble_program("r0 = r1\nr0 *= 31\nr0 ^= 5\nexit\n"), GetParam());
  ASSERT_EQ(image->subprogs().size(), 2u);
  EXPECT_EQ(image->subprogs()[1], image->bytes().size());
  u32 last = 0, seen = 0;
  for (const auto& r : image->map()) {
    EXPECT_GE(r.offset, last);
    last = r.offset;
    if (r.insn != kNoInsn) seen |= 1u << r.insn;
  }
  EXPECT_EQ(seen & 0xe, 0xeu);
}

// Is the constant in the code: as it is (x86-64), or as the halves that two instructions make of it (arm64)?
bool holds(std::span<const u8> code, u32 constant) {
  for (size_t k = 0; k + 4 <= code.size(); k++) {
    u32 word = 0;
    std::memcpy(&word, &code[k], 4);
    if (word == constant ||
        word == (constant >> 24 | constant << 24 | (constant & 0xff00) << 8 | (constant >> 8 & 0xff00)))
      return true;
  }
#if defined(__aarch64__)
  u32 halves = 0;
  for (size_t k = 0; k + 4 <= code.size(); k += 4) {
    u32 word = 0;
    std::memcpy(&word, &code[k], 4);
    const bool moves = (word & 0x1f800000) == 0x12800000;  // movn, movz, movk
    if (moves && (word >> 5 & 0xffff) == (constant & 0xffff)) halves |= 1;
    if (moves && (word >> 5 & 0xffff) == constant >> 16) halves |= 2;
  }
  return halves == 3;
#else
  return false;
#endif
}

TEST(Jit, BlindedConstantsAreNotInTheCode) {
  if (!available()) GTEST_SKIP() << "no JIT for this CPU";
  const u32 constant = 0x3ca5b7d1;
  const char* const lines[] = {"r0 = 1017493457",
                               "w0 = 1017493457",
                               "r0 += 1017493457",
                               "w0 -= 1017493457",
                               "r0 *= 1017493457",
                               "r0 |= 1017493457",
                               "w0 &= 1017493457",
                               "r0 ^= 1017493457",
                               "r0 /= 1017493457",
                               "w0 %= 1017493457",
                               "r0 = 0x3ca5b7d13ca5b7d1 ll",
                               "*(u32 *)(r10 -8) = 1017493457",
                               "*(u64 *)(r10 -8) = 1017493457",
                               "if r0 > 1017493457 goto +0",
                               "if w0 & 1017493457 goto +0",
                               "if r0 s< 1017493457 goto +0"};
  for (const char* line : lines) {
    const auto p = assemble_program(std::string("r0 = r1\n") + line + "\nr1 = r0\nr0 = r1\nexit\n");
    const auto plain = compile(p, {.tier = Tier::kDirect}), blinded = compile(p, {.blind_constants = true});
    ASSERT_TRUE(plain.ok() && blinded.ok()) << line;
    EXPECT_TRUE(holds((*plain)->bytes(), constant)) << line;  // the search finds what is there
    EXPECT_FALSE(holds((*blinded)->bytes(), constant)) << line;
    for (const u64 r1 : {u64{0}, u64{99}, ~u64{0}, u64{constant} * 3})
      EXPECT_EQ((*plain)->entry()(r1, 0, 0, 0, 0, nullptr), (*blinded)->entry()(r1, 0, 0, 0, 0, nullptr))
          << line;
  }
}

TEST(Jit, RefusesWhatItCannotRun) {
  if (!available()) GTEST_SKIP() << "no JIT for this CPU";
  const auto tail = assemble_program(
      "call 1\nexit\n", [](s32) { return rewrite::ExecCall{.name = "tail", .tail_call = true}; });
  EXPECT_EQ(compile(tail, {}).error().code, EOPNOTSUPP);
  auto unknown = assemble_program("r0 = 1\nexit\n");
  unknown.insns[0].code = 0xff;
  for (const Tier tier : {Tier::kDirect, Tier::kOptimised})
    EXPECT_EQ(compile(unknown, {.tier = tier}).error().code, EINVAL);
}

}  // namespace
}  // namespace osmia::jit
