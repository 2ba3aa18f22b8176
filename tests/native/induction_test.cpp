// The integer arguments of the native profile, tried against brute force at small widths.
#include "verifier/native/induction.h"

#include <gtest/gtest.h>

#include <random>

#include "verifier/native/follow.h"

namespace osmia::verifier::native {
namespace {

RegState number(s64 lo, s64 hi) {
  RegState r;
  r.type = RegType(RegBase::kScalar);
  r.s.smin = lo;
  r.s.smax = hi;
  r.s.sync();
  return r;
}

// If it says yes, then whatever fits modulo 256 fits as integers.
TEST(Induction, MovedExactlyRulesOutWrapping) {
  std::mt19937 rng(1);
  const auto pick = [&](int lo, int hi) { return std::uniform_int_distribution<int>(lo, hi)(rng); };
  u32 yes = 0;
  for (int round = 0; round < 4000; round++) {
    const int a0 = pick(0, 255), a1 = pick(a0, 255), b0 = pick(0, 255), b1 = pick(b0, 255);
    const int d0 = pick(-300, 300), d1 = d0 + pick(0, 40);
    if (!moved_exactly(number(a0, a1), number(b0, b1), d0, d1, 8)) continue;
    yes++;
    for (int a = a0; a <= a1; a++)
      for (int b = b0; b <= b1; b++) {
        bool modular = false, exact = false;
        for (int d = d0; d <= d1; d++) {
          modular |= ((b - a - d) & 255) == 0;
          exact |= b == a + d;
        }
        ASSERT_TRUE(!modular || exact) << a << " " << b << " by " << d0 << ".." << d1;
      }
  }
  EXPECT_GT(yes, 200u);
}

TEST(Induction, NarrowCountersMustFitTheirWidth) {
  EXPECT_TRUE(moved_exactly(number(0, 100), number(1, 101), 1, 1, 32));
  EXPECT_FALSE(moved_exactly(number(-1, 100), number(0, 101), 1, 1, 32));
  EXPECT_FALSE(moved_exactly(number(0, 100), number(1, s64{1} << 32), 1, 1, 32));
  EXPECT_TRUE(moved_exactly(number(-50, 100), number(-51, 99), -1, -1, 64));
  // All of 32 bits: 0xffffffff + 1 would come back as 0.
  EXPECT_FALSE(moved_exactly(number(0, UINT32_MAX), number(0, UINT32_MAX), 1, 1, 32));
}

// v(0) + step * k for all k up to the bound lies in what is said of it, and not much else does.
TEST(Induction, ValuesOverRounds) {
  std::mt19937_64 rng(2);
  for (int round = 0; round < 2000; round++) {
    Member m;
    m.loc = reg_loc(0, 1);
    m.lo = static_cast<s64>(rng() % 41) - 20;
    m.hi = m.lo + (round & 1 ? static_cast<s64>(rng() % 5) : 0);
    if (!m.lo && !m.hi) continue;
    m.below = m.lo < 0;
    m.above = m.hi > 0;
    const s64 from = static_cast<s64>(rng() % 2000) - 1000, to = from + static_cast<s64>(rng() % 10);
    const u64 rounds = rng() % 200;
    const RegState init = number(from, to), all = value_over_rounds(m, init, init, rounds);
    for (u64 k = 0; k <= rounds; k++)
      for (s64 v = from; v <= to; v++)
        for (s64 step = m.lo; step <= m.hi; step++)
          ASSERT_TRUE(all.s.contains(static_cast<u64>(v + step * static_cast<s64>(k))));
    EXPECT_GE(all.s.smin, from + std::min<s64>(0, m.lo) * static_cast<s64>(rounds));
    EXPECT_LE(all.s.smax, to + std::max<s64>(0, m.hi) * static_cast<s64>(rounds));
  }
}

TEST(Induction, AlignmentSurvives) {
  Member m;
  m.lo = m.hi = 4;
  m.above = true;
  const RegState all = value_over_rounds(m, number(0, 0), number(0, 0), 63);
  EXPECT_EQ(all.s.umax, 252u);
  EXPECT_EQ(all.s.var_off.mask & 3, 0u);
}

// Two cursors: on each way one of them moves; their distance shrinks.
TEST(Induction, RanksByTwo) {
  PathState st;
  st.frames[0] = Cow<Frame>::make();
  st.frames[0].mut().regs[1] = number(0, 100);
  st.frames[0].mut().regs[2] = number(0, 100);
  WayBack up, down, still;
  up.changes = {{reg_loc(0, 1), 1, 1}};
  down.changes = {{reg_loc(0, 2), -2, -1}};
  EXPECT_EQ(ranked_rounds({up, down}, {&st}), std::optional<u64>(200));
  EXPECT_EQ(ranked_rounds({up, down, still}, {&st}), std::nullopt);
  WayBack reset = up;
  reset.lost = {reg_loc(0, 2)};
  EXPECT_EQ(ranked_rounds({reset, down}, {&st}), std::nullopt);
  still.metered = true;
  EXPECT_TRUE(ranked_rounds({up, down, still}, {&st}).has_value());
}

TEST(Trails, JoinForgetsWhatDiffers) {
  LoopTrail a, b;
  a.set({reg_loc(0, 1), reg_loc(0, 1), 64, 0, 1, 1});
  b.set({reg_loc(0, 1), reg_loc(0, 1), 32, 0, 2, 3});
  b.set({reg_loc(0, 2), kNowhere});
  Trail x{{a}}, y{{b}};
  ASSERT_TRUE(join_trails(x, y, false));
  const Move one = x.loops[0].at(reg_loc(0, 1));
  EXPECT_TRUE(one.known() && one.lo == 1 && one.hi == 3 && one.width == 32);
  EXPECT_FALSE(x.loops[0].at(reg_loc(0, 2)).known());
  EXPECT_TRUE(x.loops[0].at(reg_loc(0, 3)).known());
  EXPECT_TRUE(trail_holds(x, y));
  EXPECT_FALSE(trail_holds(y, x));
  Trail other{{a}};
  other.loops[0].head = 7;
  EXPECT_FALSE(join_trails(other, y, false));
}

}  // namespace
}  // namespace osmia::verifier::native
