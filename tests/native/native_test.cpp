// The native profile on loops as clang compiles them: what it takes (within few instructions processed, so
// that loops were merged and not unrolled), what it runs to, and what it refuses and why.
#include <gtest/gtest.h>

#include <random>

#include "loader/object.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"

namespace osmia {
namespace {

// Linux's way gets a first look of 10,000 instructions; merging a loop takes some hundreds.
constexpr u32 kMergedInsns = 20'000;

struct Loaded {
  std::unique_ptr<runtime::Kernel> kernel;
  std::shared_ptr<loader::ObjectFile> file;
};

Loaded open(const std::string& version, const std::string& object, bool native = true) {
  Loaded l;
  l.kernel = std::make_unique<runtime::Kernel>(runtime::build_catalog());
  l.kernel->native_profile = native;
  runtime::install_engine(*l.kernel);
  auto file =
      loader::ObjectFile::open(*l.kernel, std::string(OSMIA_NATIVE_OBJECTS) + "/" + version + "/" + object);
  EXPECT_TRUE(file.ok()) << file.error().message;
  if (file.ok()) l.file = *file;
  return l;
}

class Takes : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(Takes, EveryLoopWithinFewInstructions) {
  const auto [version, object] = GetParam();
  const Loaded l = open(version, object);
  ASSERT_TRUE(l.file);
  for (const auto& p : l.file->programs()) {
    const loader::LoadResult r = l.file->load_alone(p.name, {});
    EXPECT_EQ(r.error, 0) << p.name << ": " << r.verdict.message << "\n" << r.log.substr(0, 2000);
    EXPECT_LT(r.verdict.stats.insns_processed, kMergedInsns) << p.name;
  }
}
INSTANTIATE_TEST_SUITE_P(All, Takes,
                         testing::Combine(testing::Values("v2", "v3", "v4"),
                                          testing::Values("accepted.bpf.o", "bytecode.bpf.o",
                                                          "bubble.bpf.o")));

TEST(Native, IsOffUnlessAsked) {
  const Loaded l = open("v3", "bytecode.bpf.o", false);
  ASSERT_TRUE(l.file);
  const loader::LoadResult r = l.file->load_alone("run_bytecode", {});
  EXPECT_EQ(r.error, E2BIG);
}

// Which words the log or the message must hold.
struct Refusal {
  const char *program, *why;
};

TEST(Native, RefusesWithAReason) {
  constexpr Refusal kRefusals[] = {
      {"endless", "is not proved to end"},
      {"by_luck", "is not proved to end"},
      {"steps_over", "is not proved to end"},
      {"wraps", "is not proved to end"},
      {"set_back", "is not proved to end"},
      {"one_too_many", "offset is outside of the packet"},
      {"other_index", "offset is outside of the packet"},
      {"off_the_stack", "invalid read from stack"},
      {"leaks", "holds more references in every round"},
      {"gives_back_twice", "type=scalar expected=ringbuf_mem"},
      {"locks", "bpf_spin_unlock"},
      {"pointer_or_number", "it is the context on one path and a number on another"},
      {"stale_check", "invalid mem access 'map_value_or_null'"},
      {"walks_over", "offset is outside of the packet"},
      {"stands_still", "is not proved to end"},
      {"spoilt_by_inner", "is not proved to end"},
  };
  const Loaded l = open("v3", "refused.bpf.o");
  ASSERT_TRUE(l.file);
  EXPECT_EQ(l.file->programs().size(), std::size(kRefusals));
  for (const Refusal& want : kRefusals) {
    const loader::LoadResult r = l.file->load_alone(want.program, {});
    EXPECT_NE(r.error, 0) << want.program;
    EXPECT_TRUE(r.reached_verifier) << want.program << ": " << r.message;
    EXPECT_TRUE(r.verdict.message.find(want.why) != std::string::npos ||
                r.log.find(want.why) != std::string::npos)
        << want.program << ": " << r.verdict.message << "\n"
        << r.log.substr(r.log.size() > 600 ? r.log.size() - 600 : 0);
  }
}

u32 run(const Loaded& l, const char* program, const std::vector<u8>& packet) {
  const loader::LoadResult r = l.file->load_alone(program, {});
  EXPECT_EQ(r.error, 0) << r.verdict.message;
  if (r.error) return 0;
  const auto p = r.object->program(program);
  runtime::TestRunRequest q;
  q.data_in = packet;
  q.has_data_in = true;
  auto out = l.kernel->test_runs.at(p->desc.type)(*l.kernel, *p, q);
  EXPECT_TRUE(out.ok()) << out.error().message;
  return out.ok() ? out->retval : 0;
}

std::vector<u8> noise(size_t n, u32 seed) {
  std::mt19937 rng(seed);
  std::vector<u8> v(n);
  for (u8& b : v) b = static_cast<u8>(rng());
  return v;
}

// What merging proved is what the rewriting relies on: the sorted numbers come out.
TEST(Native, BubbleSortSorts) {
  for (const char* version : {"v2", "v3", "v4"}) {
    const Loaded l = open(version, "bubble.bpf.o");
    ASSERT_TRUE(l.file);
    for (u32 seed = 0; seed < 5; seed++) {
      const auto packet = noise(256, seed);
      u32 v[64], acc = 0;
      memcpy(v, packet.data(), sizeof v);
      std::sort(v, v + 64);
      for (u32 x : v) acc = acc * 3 + x;
      EXPECT_EQ(run(l, "bubble_sort", packet), acc) << version << " seed " << seed;
    }
  }
}

u32 bytecode(const u8* p) {
  u64 a = 1, b = 2, c = 3, d = 4;
  for (u32 pc = 0; pc < 512; pc++) switch (p[pc] & 31) {
      case 0: a += b; break;
      case 1: a -= c; break;
      case 2: a ^= d; break;
      case 3: a *= b; break;
      case 4: b += c; break;
      case 5: b -= d; break;
      case 6: b ^= a; break;
      case 7: b |= 1; break;
      case 8: c += d; break;
      case 9: c -= a; break;
      case 10: c ^= b; break;
      case 11: c = c << 7 | c >> 57; break;
      case 12: d += a; break;
      case 13: d -= b; break;
      case 14: d ^= c; break;
      case 15: d *= 0x9e3779b97f4a7c15ull; break;
      case 16: a = b; break;
      case 17: b = c; break;
      case 18: c = d; break;
      case 19: d = a; break;
      case 20: a = ~a; break;
      case 21: b = -b; break;
      case 22: c = ~c; break;
      case 23: d = -d; break;
      case 24: a >>= 1; break;
      case 25: b >>= 3; break;
      case 26: c <<= 1; break;
      case 27: d <<= 3; break;
      case 28: a += p[pc]; break;
      case 29: b += pc; break;
      case 30: ++(a < b ? c : d); break;
      case 31:
        if (c == d) a = 1;
        break;
    }
  return static_cast<u32>(a ^ b ^ c ^ d);
}

TEST(Native, BytecodeRuns) {
  for (const char* version : {"v2", "v3", "v4"}) {
    const Loaded l = open(version, "bytecode.bpf.o");
    ASSERT_TRUE(l.file);
    for (u32 seed = 0; seed < 5; seed++) {
      const auto packet = noise(600, seed);
      EXPECT_EQ(run(l, "run_bytecode", packet), bytecode(packet.data())) << version << " seed " << seed;
    }
  }
}

// Every program taken also ends, on packets short and long.
TEST(Native, WhatIsTakenRunsToItsEnd) {
  const Loaded l = open("v3", "accepted.bpf.o");
  ASSERT_TRUE(l.file);
  for (const auto& p : l.file->programs())
    for (size_t n : {64, 1400, 3000}) run(l, p.name.c_str(), noise(n, static_cast<u32>(n)));
}

}  // namespace
}  // namespace osmia
