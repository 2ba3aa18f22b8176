// The production domain (64 bits) on random scalars: members in, members out. Abstract values are made around
// a concrete number by random bounds and random bit knowledge, with the corner cases of carries, signs and
// halves far more frequent than uniform numbers would make them. OSMIA_DOMAIN_ROUNDS=n sets the rounds
// (default 300,000; each makes some 30 checks), OSMIA_DOMAIN_SEED the seed.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdlib>
#include <random>

#include "base/bits.h"
#include "semantics.h"
#include "verifier/domain/merge.h"
#include "verifier/domain/print.h"

namespace osmia::verifier::test {
namespace {

u64 env_number(const char* name, u64 otherwise) {
  const char* v = std::getenv(name);
  return v ? std::strtoull(v, nullptr, 0) : otherwise;
}

struct Source {
  std::mt19937_64 g{env_number("OSMIA_DOMAIN_SEED", 20241117)};

  u64 below(u64 n) { return g() % n; }
  u64 number() {
    const u64 x = g();
    switch (below(9)) {
      case 0: return x;
      case 1: return x >> below(64);
      case 2: return ~(x >> below(64));
      case 3: return u64{1} << below(64);
      case 4: return (u64{1} << below(64)) - below(3);
      case 5: return below(3) - (u64{1} << below(64));
      case 6: return x % 70;
      case 7: return static_cast<u64>(static_cast<s64>(static_cast<s32>(x)));
      default: return x >> below(64) << below(64);
    }
  }
  template <class T>
  void range_around(T& lo, T& hi, T v) {
    if (below(2)) return;
    const T a = static_cast<T>(number()), b = static_cast<T>(number());
    const T l = a < b ? a : b, h = a < b ? b : a;
    if (l <= v && v <= h) {
      lo = l, hi = h;
    } else {
      const u64 d = number() >> below(64);
      const T under = static_cast<T>(static_cast<u64>(v) - d), over = static_cast<T>(static_cast<u64>(v) + d);
      if (under <= v) lo = under;
      if (over >= v) hi = over;
    }
  }
  Scalar scalar_around(u64 x) {
    Scalar s;
    if (!below(8)) return Scalar::constant(x);
    const u64 mask = below(3) ? number() : ~0ull;
    s.var_off = {x & ~mask, mask};
    range_around(s.umin, s.umax, x);
    range_around(s.smin, s.smax, static_cast<s64>(x));
    range_around(s.u32_min, s.u32_max, static_cast<u32>(x));
    range_around(s.s32_min, s.s32_max, static_cast<s32>(x));
    if (below(4)) s.sync();
    return s;
  }
};

std::string show(const Scalar& s) {
  return format_violation(s, "", "");
}

TEST(Random, OperatorsHoldTheResultOfTheirMembers) {
  Source src;
  u64 checks = 0;
  const u64 rounds = env_number("OSMIA_DOMAIN_ROUNDS", 300'000);
  const auto expect = [&](const char* what, int op, bool flag, const Scalar& a, const Scalar& b,
                          const Scalar& r, u64 v) {
    ++checks;
    ASSERT_TRUE(r.contains(v)) << what << " " << op << " " << flag << "\n a=" << show(a) << "\n b=" << show(b)
                               << "\n r=" << show(r) << "\n lost " << v;
  };
  for (u64 i = 0; i < rounds && !HasFatalFailure(); ++i) {
    const u64 x = src.number();
    u64 y = src.below(3) ? src.number() : x + src.below(3) - 1;
    if (!src.below(3)) y %= 64;
    const Scalar a = src.scalar_around(x), b = src.scalar_around(y);
    ASSERT_TRUE(a.contains(x) && b.contains(y));
    Scalar r = a;
    r.sync();
    expect("sync", 0, false, a, a, r, x);
    ASSERT_EQ(r.violation(), nullptr);
    for (AluOp op : kAluOps) {
      const bool is64 = src.below(2);
      const Precision p = src.below(2) ? Precision::kLinux : Precision::kNative;
      r = a;
      alu(op, is64, r, b, p);
      expect("alu", int(op), is64, a, b, r, compute<Words64>(op, is64, x, y));
      if (op == AluOp::kMov) continue;  // a copy is as consistent as what was copied
      ASSERT_EQ(r.violation(), nullptr) << int(op) << show(a) << show(b) << show(r);
    }
    r = a;
    alu(AluOp::kAdd, true, r, r);  // the operand may be the destination
    expect("add to itself", 0, true, a, a, r, x + x);
    const CmpOp op = kCmpOps[src.below(std::size(kCmpOps))];
    const bool is32 = src.below(2);
    const bool is = holds<Words64>(op, is32, x, y);
    const int answer = branch_taken(op, is32, a, b);
    ++checks;
    ASSERT_TRUE(answer < 0 || answer == is) << int(op) << is32 << "\n" << show(a) << "\n" << show(b);
    Scalar ra = a, rb = b;
    refine(is ? op : invert(op), is32, ra, rb);
    expect("refine first", int(op), is32, a, b, ra, x);
    expect("refine second", int(op), is32, a, b, rb, y);
    for (int size : {1, 2, 4}) {
      r = a;
      r.truncate(size);
      expect("truncate", size, false, a, a, r, x & ((u64{1} << size * 8) - 1));
      r = a;
      movsx(true, size * 8, r);
      expect("movsx", size, true, a, a, r, static_cast<u64>(sign_extend(x, size * 8)));
      if (size == 4) continue;
      r = a;
      movsx(false, size * 8, r);
      expect("movsx", size, false, a, a, r, static_cast<u32>(sign_extend(x, size * 8)));
    }
    const int width = 16 << src.below(3);
    const u64 low = width == 64 ? x : x & ((u64{1} << width) - 1);
    const u64 swapped = __builtin_bswap64(low) >> (64 - width);
    for (Precision p : {Precision::kLinux, Precision::kNative}) {
      r = a;
      swap_bytes(SwapOp::kBswap, width, r, p);
      expect("bswap", width, p == Precision::kNative, a, a, r, swapped);
      r = a;
      swap_bytes(SwapOp::kToBe, width, r, p);
      expect("to_be", width, p == Precision::kNative, a, a, r, swapped);
      r = a;
      swap_bytes(SwapOp::kToLe, width, r, p);
      expect("to_le", width, p == Precision::kNative, a, a, r, low);
    }
    r = join(a, b);
    ASSERT_TRUE(in_range(r, a) && in_range(r, b));
    for (u64 v : {x, y}) {
      expect("join", 0, false, a, b, join(a, b), v);
      expect("widen", 0, false, a, b, widen(a, b), v);
    }
  }
  printf("%" PRIu64 " checks\n", checks);
  EXPECT_GT(checks, rounds * 30);
}

TEST(Random, PruningComparesMembers) {
  Source src;
  u64 held = 0;
  for (int i = 0; i < 300'000; ++i) {
    const u64 x = src.number();
    const Scalar a = src.scalar_around(x);
    Scalar b = src.below(2) ? src.scalar_around(x) : Scalar::constant(src.number());
    if (src.below(2)) b = join(a, b);
    if (!in_range(b, a)) continue;
    ++held;
    ASSERT_TRUE(b.contains(x));
    ASSERT_TRUE(range_within(b, a));
  }
  EXPECT_GT(held, 10'000u);
}

TEST(Random, WideningSettles) {
  Source src;
  int longest = 0;
  for (int i = 0; i < 3000; ++i) {
    Scalar s = Scalar::constant(src.number());
    s64 step = static_cast<s64>(src.number() >> src.below(64));
    int moves = 0;
    u64 v = s.const_value();
    for (int n = 0; n < 400; ++n) {
      const Scalar fresh = i % 3 == 0 ? Scalar::constant(v += step) : src.scalar_around(src.number());
      const Scalar w = widen(s, fresh);
      ASSERT_TRUE(in_range(w, s) && in_range(w, fresh)) << show(s) << show(fresh) << show(w);
      if (!(w == s)) ++moves;
      s = w;
    }
    longest = std::max(longest, moves);
  }
  printf("longest chain of widenings: %d\n", longest);
  EXPECT_LE(longest, 48);
}

}  // namespace
}  // namespace osmia::verifier::test
