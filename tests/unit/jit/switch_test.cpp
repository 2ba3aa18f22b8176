// Switches as compilers make them, and as they do not: random trees and chains of comparisons of one value,
// with shared targets, targets with phis and loops around them. All engines give the same for every value.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "interp/interp.h"
#include "isa/disasm.h"
#include "jit/jit.h"
#include "rewrite/unverified.h"

namespace osmia::jit {
namespace {

using namespace isa;

// r1 is the value; r2 what is switched on; r0 the result; r3 a second variable; r4 counts rounds.
class SwitchProgram {
 public:
  explicit SwitchProgram(u64 seed) : random_(seed) {}

  std::vector<Insn> make() {
    const bool loop = below(2);
    cls_ = below(2) ? kJmp : kJmp32;
    add({.code = kAlu64 | kMov | kK, .dst = 0, .imm = 1});
    add({.code = kAlu64 | kMov | kK, .dst = 3, .imm = 5});
    add({.code = kAlu64 | kMov | kK, .dst = 4, .imm = 0});
    const u32 top = static_cast<u32>(out_.size());
    const s64 low = value();
    std::vector<s32> cases;
    const u32 count = static_cast<u32>(6 + below(40));
    const u32 gaps = static_cast<u32>(1 + below(3));
    for (s64 c = low; cases.size() < count; c += static_cast<s64>(1 + below(gaps)))
      cases.push_back(static_cast<s32>(c));
    signed_ = below(3) != 0;
    mixed_ = !below(6);
    tree(cases, 0, cases.size());
    // The targets, in any order; some fall into the next.
    std::vector<u32> order(kTargets);
    for (u32 k = 0; k < kTargets; k++) order[k] = k;
    std::shuffle(order.begin(), order.end(), random_);
    for (const u32 k : order) {
      at_[k] = out_.size();
      const u64 what = below(4);
      if (what == 0) add({.code = kAlu64 | kMov | kK, .dst = 0, .imm = static_cast<s32>(100 + k)});
      if (what == 1) add({.code = kAlu64 | kAdd | kX, .dst = 0, .src = 3});
      if (what == 2) add({.code = kAlu64 | kMul | kK, .dst = 3, .imm = static_cast<s32>(3 + k)});
      if (below(3)) jump(kEnd);
    }
    at_[kEnd] = out_.size();
    add({.code = kAlu64 | kMul | kK, .dst = 0, .imm = 31});
    add({.code = kAlu64 | kXor | kX, .dst = 0, .src = 3});
    if (loop) {
      add({.code = kAlu64 | kAdd | kK, .dst = 1, .imm = 1});
      add({.code = kAlu64 | kAdd | kK, .dst = 4, .imm = 1});
      add({.code = kJmp | kJlt | kK, .dst = 4, .off = static_cast<s16>(top - out_.size() - 1), .imm = 3});
    }
    add({.code = kJmp | kExit});
    for (const auto& [insn, label] : jumps_) out_[insn].off = static_cast<s16>(at_[label] - insn - 1);
    return out_;
  }

 private:
  static constexpr u32 kTargets = 9, kEnd = kTargets;

  u64 below(u64 n) { return random_() % n; }
  void add(Insn in) { out_.push_back(in); }
  void jump(u32 label) {
    jumps_.push_back({out_.size(), label});
    add({.code = kJmp | kJa});
  }
  // Makes r2; where cases may begin.
  s64 value() {
    add({.code = kAlu64 | kMov | kX, .dst = 2, .src = 1});
    switch (below(6)) {
      case 0: add({.code = kAlu64 | kAnd | kK, .dst = 2, .imm = 63}); return static_cast<s64>(below(20));
      case 1: add({.code = kAlu | kAnd | kK, .dst = 2, .imm = 15}); return 0;
      case 2: add({.code = kAlu | kMov | kX, .dst = 2, .src = 1}); return static_cast<s64>(below(40)) - 20;
      case 3:
        add({.code = kAlu64 | kLsh | kK, .dst = 2, .imm = 56});
        add({.code = kAlu64 | kArsh | kK, .dst = 2, .imm = 56});
        return -128 + static_cast<s64>(below(100));
      case 4: add({.code = kAlu64 | kAnd | kK, .dst = 2, .imm = 255}); return static_cast<s64>(below(200));
      default: return static_cast<s64>(below(60)) - 30;
    }
  }
  void ask(u8 op, s32 k, u32 label) {
    jumps_.push_back({out_.size(), label});
    add({.code = static_cast<u8>(cls_ | op | kK), .dst = 2, .imm = k});
  }
  void tree(const std::vector<s32>& cases, size_t from, size_t to) {
    if (to - from <= 1 + below(4)) {
      for (size_t k = from; k < to; k++) ask(kJeq, cases[k], below(kTargets));
      if (below(2)) return jump(static_cast<u32>(below(2) ? kEnd : below(kTargets)));
      const u32 target = static_cast<u32>(below(kTargets));
      ask(kJne, cases[from], target);
      return jump(target == 0 ? 1 : 0);
    }
    const size_t middle = (from + to) / 2;
    static constexpr u8 kSigned[] = {kJsgt, kJsge, kJslt, kJsle}, kUnsigned[] = {kJgt, kJge, kJlt, kJle};
    const u64 which = below(4);
    const u32 right = static_cast<u32>(at_.size());
    at_.push_back(0);
    ask((mixed_ ? below(2) != 0 : signed_) ? kSigned[which] : kUnsigned[which], cases[middle], right);
    tree(cases, from, middle + (which == 0));
    at_[right] = out_.size();
    tree(cases, middle, to);
  }

  std::mt19937_64 random_;
  std::vector<Insn> out_;
  std::vector<std::pair<size_t, u32>> jumps_;
  std::vector<size_t> at_ = std::vector<size_t>(kTargets + 1);  // labels
  u8 cls_ = kJmp;
  bool signed_ = false, mixed_ = false;
};

TEST(Switch, EnginesAgreeOnEveryValue) {
  if (!available()) GTEST_SKIP() << "no JIT for this CPU";
  std::vector<u64> values;
  for (s64 v = -150; v < 300; v++) values.push_back(static_cast<u64>(v));
  for (const u64 v : {u64{1} << 31, u64{1} << 32, (u64{1} << 32) + 7, u64{0xfffffff9}, u64{1} << 63})
    values.push_back(v);
  u64 tables = 0;
  const char* seconds = std::getenv("OSMIA_JIT_SECONDS");
  const u64 programs = seconds ? 400u * static_cast<u64>(atoi(seconds)) : 400;
  for (u64 seed = 1; seed <= programs; seed++) {
    const auto insns = SwitchProgram(seed).make();
    auto program = rewrite::unverified(insns);
    ASSERT_TRUE(program.ok()) << program.error().message;
    auto code = interp::Code::compile(*program);
    ASSERT_TRUE(code.ok());
    auto direct = compile(*program, {.tier = Tier::kDirect}), optimised = compile(*program, {});
    ASSERT_TRUE(direct.ok() && optimised.ok());
    ASSERT_EQ((*optimised)->tier(), Tier::kOptimised);
#if defined(__x86_64__)
    static constexpr u8 kTableAddress[] = {0x4c, 0x8d, 0x1d};  // lea r11, [rip + …]
    const auto bytes = (*optimised)->bytes();
    tables += std::search(bytes.begin(), bytes.end(), std::begin(kTableAddress), std::end(kTableAddress)) !=
              bytes.end();
#endif
    for (const u64 v : values) {
      const u64 expected = (*code)->run(v, 0);
      ASSERT_EQ((*direct)->entry()(v, 0, 0, 0, 0, nullptr), expected) << "seed " << seed << ", value " << v;
      ASSERT_EQ((*optimised)->entry()(v, 0, 0, 0, 0, nullptr), expected)
          << "seed " << seed << ", value " << v;
    }
  }
#if defined(__x86_64__)
  EXPECT_GT(tables, programs / 10);
#endif
}

}  // namespace
}  // namespace osmia::jit
