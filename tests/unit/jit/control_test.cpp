// Exceptions and arenas: what leaves a program on the way, and memory that may not be there. Every engine.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "contract/arena_windows.h"
#include "interp/interp.h"
#include "isa/asm.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::jit {
namespace {

using namespace isa;

enum class Engine : u8 { kInterpreter, kDirect, kOptimised };

class Engines : public testing::TestWithParam<Engine> {
  void SetUp() override {
    if (!available() && GetParam() != Engine::kInterpreter) GTEST_SKIP() << "no JIT for this CPU";
  }

 protected:
  static rewrite::ExecProgram program(const std::string& text,
                                      const std::function<rewrite::ExecCall(s32)>& helper = {}) {
    auto insns = assemble(text);
    EXPECT_TRUE(insns.ok()) << (insns.ok() ? "" : insns.error().message);
    auto p = rewrite::unverified(*insns, helper);
    EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
    return *p;
  }
  u64 run(const rewrite::ExecProgram& p, u64 r1, Tier expected = Tier::kOptimised) {
    if (GetParam() == Engine::kInterpreter) {
      auto code = interp::Code::compile(p);
      EXPECT_TRUE(code.ok()) << (code.ok() ? "" : code.error().message);
      return (*code)->run(r1, 0);
    }
    const Tier tier = GetParam() == Engine::kDirect ? Tier::kDirect : Tier::kOptimised;
    auto image = compile(p, {.tier = tier});
    EXPECT_TRUE(image.ok()) << (image.ok() ? "" : image.error().message);
    if (!image.ok()) return 0xbad;
    if (tier == Tier::kOptimised) {
      EXPECT_EQ((*image)->tier(), expected);
    }
    return (*image)->entry()(r1, 0, 0, 0, 0, nullptr);
  }
};
INSTANTIATE_TEST_SUITE_P(All, Engines,
                         testing::Values(Engine::kInterpreter, Engine::kDirect, Engine::kOptimised));

// Helper 1 throws; 2 calls back until the callback wants no more, and counts.
u64 g_rounds;
rewrite::ExecCall throwing_helper(s32 id) {
  if (id == 1) return {.fn = rewrite::throw_exception, .name = "bpf_throw", .args = 1, .throws = true};
  return {.fn =
              [](u64 callback, u64 x, u64, u64, u64) {
                const auto* cb = reinterpret_cast<const rewrite::BpfCallback*>(callback);
                for (g_rounds = 0; g_rounds < 10;)
                  if (cb->call(cb, g_rounds++, x, 0, 0, 0)) break;
                return g_rounds;
              },
          .name = "loop"};
}

TEST_P(Engines, AnExceptionEndsTheProgram) {
  // f(x) is called by g(x), twice as deep where it is expanded; it throws x * 2 where x > 10.
  const auto p = program(
      "r6 = 1\ncall pc+2\nr0 += r6\nexit\n"
      "r6 = 50\ncall pc+2\nr0 += r6\nexit\n"
      "if r1 > 10 goto +2\nr0 = 7\nexit\nr1 *= 2\ncall 1\nr0 = 99\nexit\n",
      throwing_helper);
  EXPECT_EQ(run(p, 3), 58u);
  EXPECT_EQ(run(p, 20), 40u);
  EXPECT_EQ(run(p, 3), 58u);  // nothing of it is left
}

TEST_P(Engines, FramesAreUnwound) {
  // The thrower has a frame and saved registers of its own; it is too long to be expanded.
  std::string text = "r6 = r1\nr7 = 3\ncall pc+3\nr0 += r7\nr0 += r6\nexit\n";
  text += "*(u64 *)(r10 -8) = r1\nr6 = 5\nr7 = 6\nr8 = 7\nr9 = 8\n";
  for (int k = 0; k < 40; k++) text += "r6 *= 3\n";
  text += "r2 = *(u64 *)(r10 -8)\nif r2 s< 0 goto +4\nr0 = 1000\nexit\nr0 = 1\nexit\nr1 = -4\ncall 1\nexit\n";
  const auto p = program(text, throwing_helper);
  EXPECT_EQ(run(p, 9), 1012u);
  EXPECT_EQ(run(p, ~u64{0}), ~u64{0} - 3);
}

TEST_P(Engines, TheCallbackMakesTheResult) {
  auto p = program("r1 = 5\ncall 1\nr0 = 1\nexit\nr0 = r1\nr0 += 1000\nexit\n", throwing_helper);
  p.subprogs[0].end = 4;
  p.subprogs.push_back({.start = 4, .end = 7, .stack_bytes = 0, .name = "handler"});
  p.exception_callback = 1;
  EXPECT_EQ(run(p, 0), 1005u);
}

TEST_P(Engines, AnExceptionPassesThroughHelpers) {
  // The callback throws in round 4; what lies behind the helper does not run.
  auto insns = assemble(
      "r2 = 0\nr1 = 0 ll\ncall 2\nr0 = 77\nexit\n"
      "if r1 == 4 goto +2\nr0 = 0\nexit\nr1 += 100\ncall 1\nr0 = 0\nexit\n");
  ASSERT_TRUE(insns.ok()) << insns.error().message;
  (*insns)[1].src = kPseudoFunc;
  (*insns)[1].imm = 4;
  const auto p = rewrite::unverified(*insns, throwing_helper);
  ASSERT_TRUE(p.ok()) << p.error().message;
  EXPECT_EQ(run(*p, 0), 104u);
  EXPECT_EQ(g_rounds, 5u);
}

// Three pages at 0x4000'1000; the first is there, the second is behind a fault and comes when it is looked
// for, the third never is.
class Arenas : public Engines {
 protected:
  struct Space : contract::ArenaSpace {
    std::atomic<u64> bits = 1;
    bool second_came = false;
  };
  void SetUp() override {
    const int file = memfd_create("arena", 0);
    ASSERT_EQ(ftruncate(file, 0x5000), 0);
    reserved_ = static_cast<u8*>(
        mmap(nullptr, kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    space_.base = reserved_ + contract::kArenaGuard;
    memory_ = space_.base + 0x40000000;
    mmap(memory_, 0x5000, PROT_NONE, MAP_SHARED | MAP_FIXED, file, 0);
    mmap(memory_ + contract::kArenaOpenWindow, 0x5000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
         0);
    close(file);
    space_.user_start = 0x7f00'4000'1000;
    space_.user_end = space_.user_start + 0x3000;
    space_.pages = &space_.bits;
    space_.find_page = [](const contract::ArenaSpace& s, u64 page) {
      auto& self = static_cast<Space&>(const_cast<contract::ArenaSpace&>(s));
      if (page != 1 || !self.second_came) return false;
      self.bits |= 2;
      return !mprotect(self.base + 0x40002000, 0x1000, PROT_READ | PROT_WRITE);
    };
    mprotect(memory_ + 0x1000, 0x1000, PROT_READ | PROT_WRITE);
  }
  void TearDown() override { munmap(reserved_, kReserved); }

  // Loads and stores through r1 (and through r0 for atomics) become arena accesses.
  rewrite::ExecProgram arena_program(const std::string& text) {
    auto p = program(text);
    p.arena = &space_;
    for (Insn& in : p.insns) {
      if ((in.cls() == kLdx && in.src == kR1) || ((in.cls() == kSt || in.cls() == kStx) && in.dst == kR1))
        in.code = static_cast<u8>((in.code & 0x1f) |
                                  (in.cls() == kStx && in.mode() == kAtomic ? kProbeAtomic : kProbeMem32));
    }
    return p;
  }

  static constexpr u64 kReserved = 2 * contract::kArenaOpenWindow;
  u8 *reserved_ = nullptr, *memory_ = nullptr;
  Space space_;
};
INSTANTIATE_TEST_SUITE_P(All, Arenas,
                         testing::Values(Engine::kInterpreter, Engine::kDirect, Engine::kOptimised));

TEST_P(Arenas, LoadsAndStoresOfPagesThatAreThere) {
  const auto p = arena_program(
      "*(u64 *)(r1 +8) = 77\nr2 = 258\n*(u16 *)(r1 +16) = r2\nr0 = *(u64 *)(r1 +8)\nr3 = *(u8 *)(r1 +17)\nr0 "
      "+= r3\n"
      "r3 = 5\nlock *(u64 *)(r1 +8) += r3\nexit\n");
  EXPECT_EQ(run(p, 0x40001000), 78u);
  EXPECT_EQ(run(p, 0xdead'0000'4000'1000), 78u);  // only the lower half is an address
  EXPECT_EQ(*reinterpret_cast<u64*>(memory_ + 0x1008), 82u);
}

TEST_P(Arenas, WherePagesAreNotNothingHappens) {
  const auto p = arena_program(
      "*(u64 *)(r1 +8) = 77\nr2 = 5\n*(u32 *)(r1 +16) = r2\nlock *(u64 *)(r1 +0) += r2\nr0 = 9\nr0 = *(u64 "
      "*)(r1 +8)\n"
      "r2 = 1\nr2 = *(u8 *)(r1 +16)\nr0 += r2\nexit\n");
  for (const u64 at : {0x40003000u, 0x40004000u, 0x40000fd0u, 0u, 0xfffffff8u})
    EXPECT_EQ(run(p, at), 0u) << at;
  space_.second_came = true;
  EXPECT_EQ(run(p, 0x40003000), 0u);
}

TEST_P(Arenas, PagesComeLater) {
  const auto p = arena_program("r0 = *(u64 *)(r1 +0)\nr0 += 1\n*(u64 *)(r1 +0) = r0\nexit\n");
  EXPECT_EQ(run(p, 0x40002000), 1u);
  EXPECT_EQ(run(p, 0x40002000), 1u);
  space_.second_came = true;
  EXPECT_EQ(run(p, 0x40002000), 1u);
  EXPECT_EQ(run(p, 0x40002000), 2u);
}

TEST_P(Arenas, AtomicsThatFetchKeepTheirRegisters) {
  for (const char* op :
       {"r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", "r2 = atomic64_fetch_or((u64 *)(r1 +0), r2)",
        "r2 = atomic64_xchg((u64 *)(r1 +0), r2)", "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
        "r2 = atomic_fetch_and((u32 *)(r1 +0), r2)", "r2 = atomic_xchg((u32 *)(r1 +0), r2)"}) {
    const auto p = arena_program(std::string("r0 = 3\nr2 = 11\n") + op + "\nr2 *= 100\nr0 += r2\nexit\n");
    EXPECT_EQ(run(p, 0x40003000, Tier::kDirect), 1103u) << op;
    *reinterpret_cast<u64*>(memory_ + 0x1000) = 40;
    EXPECT_EQ(run(p, 0x40001000, Tier::kDirect), op[1] == '0' ? 1140u : 4003u) << op;
  }
}

TEST_P(Arenas, CastsGiveUserAddresses) {
  auto p = arena_program("r0 = r1\nexit\n");
  p.insns[0].off = kAddrSpaceCast;
  p.insns[0].imm = 1 << 16;
  EXPECT_EQ(run(p, 0x40001234), 0x7f00'4000'1234u);
  EXPECT_EQ(run(p, 0x5555'4000'1234), 0x7f00'4000'1234u);
  EXPECT_EQ(run(p, 0x5555'0000'0000), 0u);
}

}  // namespace
}  // namespace osmia::jit
