// Operand facts: every value that an operation can give lies in the range said of it; ranges settle around
// loops; what is never read is known.
#include "rewrite/operand_facts.h"

#include <gtest/gtest.h>

#include <random>

#include "isa/asm.h"
#include "rewrite/range_ops.h"
#include "rewrite/unverified.h"

namespace osmia::rewrite {
namespace {

using namespace isa;

ExecProgram exec(std::string_view text) {
  auto p = assemble(text);
  EXPECT_TRUE(p.ok()) << (p.ok() ? "" : p.error().message);
  auto e = unverified(*p);
  EXPECT_TRUE(e.ok()) << (e.ok() ? "" : e.error().message);
  return e.ok() ? *e : ExecProgram{};
}

// RFC 9669's semantics, written plainly.
u64 compute(u8 op, bool is_signed, u64 a, u64 b, bool is32) {
  if (is32) a = static_cast<u32>(a), b = static_cast<u32>(b);
  const s64 sa = is32 ? static_cast<s32>(a) : static_cast<s64>(a);
  const s64 sb = is32 ? static_cast<s32>(b) : static_cast<s64>(b);
  const unsigned n = b & (is32 ? 31 : 63);
  u64 r = 0;
  switch (op) {
    case kAdd: r = a + b; break;
    case kSub: r = a - b; break;
    case kMul: r = a * b; break;
    case kAnd: r = a & b; break;
    case kOr: r = a | b; break;
    case kXor: r = a ^ b; break;
    case kLsh: r = a << n; break;
    case kRsh: r = a >> n; break;
    case kArsh: r = static_cast<u64>(sa >> n); break;
    case kDiv:
      if (!is_signed)
        r = b ? a / b : 0;
      else
        r = sb == 0 ? 0 : sb == -1 ? 0 - a : static_cast<u64>(sa / sb);
      break;
    case kMod:
      if (!is_signed)
        r = b ? a % b : a;
      else
        r = sb == 0 ? a : sb == -1 ? 0 : static_cast<u64>(sa % sb);
      break;
  }
  return is32 ? static_cast<u32>(r) : r;
}
bool compare(u8 op, u64 a, u64 b, bool is32) {
  const s64 sa = is32 ? static_cast<s32>(a) : static_cast<s64>(a);
  const s64 sb = is32 ? static_cast<s32>(b) : static_cast<s64>(b);
  switch (op) {
    case kJeq: return a == b;
    case kJne: return a != b;
    case kJgt: return a > b;
    case kJge: return a >= b;
    case kJlt: return a < b;
    case kJle: return a <= b;
    case kJsgt: return sa > sb;
    case kJsge: return sa >= sb;
    case kJslt: return sa < sb;
    case kJsle: return sa <= sb;
    default: return a & b;
  }
}

struct Random {
  std::mt19937_64 gen{7};
  u64 value(bool is32) {
    static constexpr u64 kCorner[] = {0, 1, 2, 31, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000};
    u64 v = gen() >> gen() % 64;
    if (gen() % 2) v = kCorner[gen() % 10] + gen() % 3 - 1;
    if (gen() % 4 == 0) v = 0 - v;
    return is32 ? static_cast<u32>(v) : v;
  }
  Range range(bool is32) {
    const u64 a = value(is32), b = gen() % 4 ? value(is32) : a;
    return {std::min(a, b), std::max(a, b)};
  }
  u64 in(Range r) {
    const u64 n = r.max - r.min;
    switch (gen() % 3) {
      case 0: return r.min;
      case 1: return r.max;
      default: return r.min + (n == ~u64{0} ? gen() : gen() % (n + 1));
    }
  }
};

TEST(OperandFacts, ResultsLieInTheirRange) {
  Random rnd;
  for (const bool is32 : {false, true})
    for (const u8 op : {kAdd, kSub, kMul, kAnd, kOr, kXor, kLsh, kRsh, kArsh, kDiv, kMod})
      for (const bool is_signed : {false, true}) {
        if (is_signed && op != kDiv && op != kMod) continue;
        for (int i = 0; i < 20000; i++) {
          const Range a = rnd.range(is32), b = rnd.range(is32);
          const auto r = range::binary(op, is_signed, a, b, is32);
          ASSERT_TRUE(r);
          const u64 x = rnd.in(a), y = rnd.in(b), v = compute(op, is_signed, x, y, is32);
          ASSERT_TRUE(r->contains(v)) << int{op} << (is32 ? " 32 " : " 64 ") << is_signed << ": " << x << ", "
                                      << y << " -> " << v << " not in [" << r->min << ", " << r->max << "]";
        }
      }
}

TEST(OperandFacts, ComparisonsKeepEveryValueThatPasses) {
  Random rnd;
  for (const bool is32 : {false, true})
    for (const u8 op : {kJeq, kJne, kJgt, kJge, kJlt, kJle, kJset, kJsgt, kJsge, kJslt, kJsle})
      for (int i = 0; i < 30000; i++) {
        const Range a = rnd.range(is32), b = rnd.range(is32);
        const u64 x = rnd.in(a), y = rnd.in(b);
        const bool holds = compare(op, x, y, is32);
        const u8 known = holds ? u8{op} : range::opposite(op);
        if (!known) continue;
        const auto p = range::assume(known, a, b, is32);
        ASSERT_TRUE(p) << int{op} << " " << x << " " << y;
        ASSERT_TRUE(p->a.contains(x) && p->b.contains(y)) << int{op} << is32 << " " << x << " " << y;
      }
}

TEST(OperandFacts, ADivisorThatWasCompared) {
  const auto p = exec("r0 = 100\nif r1 == 0 goto out\nr0 /= r1\nr2 &= 15\nr2 += 1\nr0 %= r2\nout:\nexit");
  const auto f = operand_facts(p);
  EXPECT_TRUE(f[2].src.is_nonzero());
  EXPECT_FALSE(f[2].src.fits32());
  EXPECT_EQ(f[2].dst, (Range{100, 100}));
  EXPECT_EQ(f[5].src, (Range{1, 16}));
  EXPECT_TRUE(f[5].dst.fits32());
}

TEST(OperandFacts, LoopsSettle) {
  const auto p =
      exec("r0 = 0\nr1 = 0\nr3 = 7\nagain:\nr0 += 1\nr1 += r0\nif r0 < 1000 goto again\nr1 /= r3\nexit");
  const auto f = operand_facts(p);
  EXPECT_EQ(f[3].dst, (Range{0, 0xffff}));  // 999, widened to a threshold
  EXPECT_EQ(f[6].src, (Range{7, 7}));
  EXPECT_TRUE(f[6].reached);
}

TEST(OperandFacts, EdgesThatNothingFollows) {
  const auto p = exec("r1 = 5\nif r1 > 3 goto out\nr0 = 1\nout:\nr0 = 2\nexit");
  const auto f = operand_facts(p);
  EXPECT_TRUE(f[1].may_take);
  EXPECT_FALSE(f[1].may_fall);
  EXPECT_FALSE(f[2].reached);
  EXPECT_TRUE(f[3].reached);
}

TEST(OperandFacts, CallsForgetCallerSavedOnly) {
  const auto p = exec("r6 = 3\nr1 = 4\ncall f\nr0 /= r6\nr0 /= r1\nexit\nf:\nr6 = 9\nr0 = r1\nexit");
  const auto f = operand_facts(p);
  EXPECT_EQ(f[3].src, (Range{3, 3}));
  EXPECT_EQ(f[4].src, Range{});
  EXPECT_EQ(f[7].src, Range{});  // the callee knows nothing of its callers
}

TEST(OperandFacts, WhatIsReadLater) {
  const auto p = exec(
      "r2 = 1\n"              // 0: overwritten before it is read
      "r2 = r1\n"             // 1
      "w3 = w1\n"             // 2: read as 64 bits
      "w4 = w1\n"             // 3: only its low half counts
      "r0 = r2\n"             // 4
      "r0 += r3\n"            // 5
      "w4 += 1\n"             // 6
      "if w4 == 3 goto +1\n"  // 7
      "r0 += 1\n"             // 8
      "exit");
  const auto f = operand_facts(p);
  EXPECT_TRUE(f[0].result_unused(2));
  EXPECT_FALSE(f[1].result_unused(2));
  EXPECT_TRUE(f[2].needs_zext(3));
  EXPECT_FALSE(f[3].needs_zext(4));
  EXPECT_FALSE(f[3].result_unused(4));
  EXPECT_TRUE(f[7].result_unused(4));
}

TEST(OperandFacts, AtomicsAndLoads) {
  const auto p = exec(
      "r2 = *(u16 *)(r1 +0)\nr3 = 1\nr3 = atomic_fetch_add((u32 *)(r1 +4), r3)\nr0 = r2\nr0 += r3\nexit");
  const auto f = operand_facts(p);
  EXPECT_EQ(f[3].src, (Range{0, 0xffff}));
  EXPECT_EQ(f[4].src, (Range{0, 0xffffffff}));
}

}  // namespace
}  // namespace osmia::rewrite
