// The domain at 4 and 6 bits, where every abstract value and every member can be tried: gamma is computed as
// a set of members, and each operator's result must hold the operator's image of it. OSMIA_DOMAIN_FULL=1
// tries every pair of 4-bit scalars (minutes); otherwise a stride through them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <unordered_set>
#include <vector>

#include "semantics.h"
#include "small_words.h"
#include "verifier/domain/alu_ops.h"
#include "verifier/domain/branch_ops.h"

namespace osmia::verifier::test {
namespace {

using Set = u64;  // bit x is set: x is a member

bool full() {
  return std::getenv("OSMIA_DOMAIN_FULL") != nullptr;
}

template <class W, class A>
Set gamma(const A& a) {
  Set s = 0;
  for (unsigned x = 0; x < 1u << W::kBits; ++x)
    if (a.contains(W::u(x))) s |= Set{1} << x;
  return s;
}
template <class F>
void each(Set s, F&& f) {
  for (; s; s &= s - 1) f(static_cast<unsigned>(std::countr_zero(s)));
}

template <class W>
std::vector<BasicTnum<W>> all_tnums() {
  std::vector<BasicTnum<W>> r;
  const unsigned n = 1u << W::kBits;
  for (unsigned m = 0; m < n; ++m)
    for (unsigned v = 0; v < n; ++v)
      if (!(v & m)) r.push_back({W::u(v), W::u(m)});
  return r;
}
// The smallest tnum that holds the set.
template <class W>
BasicTnum<W> abstraction(Set s) {
  unsigned any = 0, every = ~0u;
  each(s, [&](unsigned x) { any |= x, every &= x; });
  return {W::u(every & any), W::u(any & ~every)};
}

using W6 = SmallWords<6>;
using T6 = BasicTnum<W6>;

struct TnumOp {
  const char* name;
  AluOp meaning;
  T6 (*f)(const T6&, const T6&);
  bool optimal;
};
const TnumOp kTnumOps[] = {
    {"add", AluOp::kAdd, [](const T6& a, const T6& b) { return tnum_add(a, b); }, true},
    {"sub", AluOp::kSub, [](const T6& a, const T6& b) { return tnum_sub(a, b); }, true},
    {"mul", AluOp::kMul, [](const T6& a, const T6& b) { return tnum_mul(a, b); }, false},
    {"and", AluOp::kAnd, [](const T6& a, const T6& b) { return tnum_and(a, b); }, true},
    {"or", AluOp::kOr, [](const T6& a, const T6& b) { return tnum_or(a, b); }, true},
    {"xor", AluOp::kXor, [](const T6& a, const T6& b) { return tnum_xor(a, b); }, true},
};

TEST(Tnum, BinaryOperatorsHoldEveryResultAndAreOptimalWhereTheySay) {
  const auto all = all_tnums<W6>();
  ASSERT_EQ(all.size(), 729u);
  for (const TnumOp& op : kTnumOps) {
    for (const T6& a : all) {
      const Set ga = gamma<W6>(a);
      for (const T6& b : all) {
        Set image = 0;
        const Set gb = gamma<W6>(b);
        each(ga, [&](unsigned x) {
          each(gb,
               [&](unsigned y) { image |= Set{1} << compute<W6>(op.meaning, true, W6::u(x), W6::u(y)).v; });
        });
        const T6 r = op.f(a, b);
        ASSERT_EQ((r.value & r.mask).v, 0u) << op.name;
        ASSERT_EQ(image & ~gamma<W6>(r), 0u)
            << op.name << " " << a.value.v << "/" << a.mask.v << " " << b.value.v << "/" << b.mask.v;
        if (op.optimal) {
          const T6 best = abstraction<W6>(image);
          ASSERT_EQ(best.value.v, r.value.v) << op.name;
          ASSERT_EQ(best.mask.v, r.mask.v) << op.name;
        }
      }
    }
  }
}

TEST(Tnum, LatticeOperatorsAreExact) {
  const auto all = all_tnums<W6>();
  for (const T6& a : all) {
    const Set ga = gamma<W6>(a);
    for (const T6& b : all) {
      const Set gb = gamma<W6>(b);
      ASSERT_EQ(tnum_overlap(a, b), (ga & gb) != 0);
      ASSERT_EQ(tnum_in(a, b), (gb & ~ga) == 0);
      if (ga & gb) {
        ASSERT_EQ(gamma<W6>(tnum_intersect(a, b)), ga & gb);
      }
      const T6 best = abstraction<W6>(ga | gb), u = tnum_union(a, b);
      ASSERT_EQ(best.value.v, u.value.v);
      ASSERT_EQ(best.mask.v, u.mask.v);
    }
  }
}

TEST(Tnum, ShiftsRangesAndHalves) {
  for (unsigned lo = 0; lo < 64; ++lo) {
    for (unsigned hi = lo; hi < 64; ++hi) {
      Set s = 0;
      for (unsigned x = lo; x <= hi; ++x) s |= Set{1} << x;
      const T6 r = tnum_range_of<W6>(W6::u(lo), W6::u(hi)), best = abstraction<W6>(s);
      ASSERT_EQ(r.value.v, best.value.v);
      ASSERT_EQ(r.mask.v, best.mask.v);
    }
  }
  const auto all = all_tnums<W6>();
  for (const T6& a : all) {
    const Set ga = gamma<W6>(a);
    const auto optimal = [](const T6& r, Set image) {
      const T6 best = abstraction<W6>(image);
      return best.value == r.value && best.mask == r.mask;
    };
    for (unsigned n = 0; n < 6; ++n) {
      Set l = 0, r = 0, s = 0, s32 = 0;
      each(ga, [&](unsigned x) {
        l |= Set{1} << (x << n & 63);
        r |= Set{1} << (x >> n);
        s |= Set{1} << (sign_extend(x, 6) >> n & 63);
        s32 |= Set{1} << (sign_extend(x, 3) >> n & 7);
      });
      ASSERT_TRUE(optimal(tnum_lshift(a, W6::u(n)), l));
      ASSERT_TRUE(optimal(tnum_rshift(a, W6::u(n)), r));
      ASSERT_TRUE(optimal(tnum_arshift(a, W6::u(n)), s));
      if (n < 3) {
        ASSERT_TRUE(optimal(tnum_arshift32(a, W6::hu(n)), s32));
      }
    }
    Set low = 0, high = 0;
    each(ga, [&](unsigned x) { low |= Set{1} << (x & 7), high |= Set{1} << (x & ~7u); });
    ASSERT_EQ(gamma<W6>(tnum_subreg(a)), low);
    ASSERT_EQ(gamma<W6>(tnum_clear_subreg(a)), high);
  }
}

// ---- scalars at 4 bits
using W4 = SmallWords<4>;
using S4 = BasicScalar<W4>;

struct Key {
  size_t operator()(const S4& s) const {
    u64 h = 0;
    for (unsigned v :
         {s.var_off.value.v, s.var_off.mask.v, s.umin.v, s.umax.v, W4::to_u(s.smin).v, W4::to_u(s.smax).v,
          s.u32_min.v << 2 | s.u32_max.v, W4::to_u(s.s32_min).v << 2 | W4::to_u(s.s32_max).v})
      h = h * 31 + v;
    return h * 0x9e3779b97f4a7c15ull >> 7;
  }
};
struct Sample {
  S4 s;
  Set members;
};

// f(scalar) for every combination of a tnum, an unsigned and a signed range of the word, and of a tnum, an
// unsigned range of the word and both ranges of the half.
template <class F>
void each_raw_scalar(F&& f) {
  const auto tnums = all_tnums<W4>();
  for (const auto& t : tnums)
    for (int ul = 0; ul < 16; ++ul)
      for (int uh = ul; uh < 16; ++uh) {
        S4 s;
        s.var_off = t, s.umin = W4::u(ul), s.umax = W4::u(uh);
        for (int sl = -8; sl < 8; ++sl)
          for (int sh = sl; sh < 8; ++sh) {
            s.smin = W4::S(sl), s.smax = W4::S(sh);
            f(s);
          }
        s.smin = W4::s_min(), s.smax = W4::s_max();
        for (int l = 0; l < 4; ++l)
          for (int h = l; h < 4; ++h)
            for (int a = -2; a < 2; ++a)
              for (int b = a; b < 2; ++b) {
                s.u32_min = W4::hu(l), s.u32_max = W4::hu(h), s.s32_min = W4::HS(a), s.s32_max = W4::HS(b);
                f(s);
              }
      }
}

// Every synced scalar with members that comes of those.
const std::vector<Sample>& synced_scalars() {
  static const std::vector<Sample> all = [] {
    std::unordered_set<S4, Key> seen;
    std::vector<Sample> r;
    each_raw_scalar([&](S4 s) {
      s.sync();
      if (s.violation() || !seen.insert(s).second) return;
      if (Set m = gamma<W4>(s)) r.push_back({s, m});
    });
    return r;
  }();
  return all;
}

std::string show(const S4& s) {
  return "tnum " + std::to_string(s.var_off.value.v) + "/" + std::to_string(s.var_off.mask.v) + " u[" +
         std::to_string(s.umin.v) + "," + std::to_string(s.umax.v) + "] s[" + std::to_string(s.smin.v) + "," +
         std::to_string(s.smax.v) + "] u32[" + std::to_string(s.u32_min.v) + "," +
         std::to_string(s.u32_max.v) + "] s32[" + std::to_string(s.s32_min.v) + "," +
         std::to_string(s.s32_max.v) + "]";
}

// sync() may also forget (see its comment), but seldom: the test says how often.
TEST(Scalar, SyncKeepsTheMembers) {
  u64 n = 0, violations = 0, forgot = 0;
  each_raw_scalar([&](const S4& s) {
    S4 r = s;
    r.sync();
    const Set before = gamma<W4>(s);
    ++n;
    if (before) {
      const Set after = gamma<W4>(r);
      ASSERT_EQ(before & ~after, 0u) << show(s) << " -> " << show(r);
      ASSERT_EQ(r.violation(), nullptr) << show(s) << " -> " << show(r);
      forgot += after != before;
    } else {
      violations += r.violation() != nullptr;
    }
  });
  EXPECT_GT(n, 2'000'000u);
  EXPECT_GT(violations, 0u);
  EXPECT_LT(forgot, n / 100);
  printf("synced %llu scalars; %llu empty ones recognized as violations; %llu lost precision\n",
         (unsigned long long)n, (unsigned long long)violations, (unsigned long long)forgot);
}

TEST(Scalar, UnaryOperatorsHoldEveryResult) {
  for (const Sample& a : synced_scalars()) {
    const auto check = [&](const char* what, const S4& r, auto&& f) {
      Set image = 0;
      each(a.members, [&](unsigned x) { image |= Set{1} << f(W4::u(x)).v; });
      ASSERT_EQ(image & ~gamma<W4>(r), 0u) << what << " " << show(a.s) << " -> " << show(r);
    };
    for (int bits = 1; bits < 4; ++bits) {
      S4 r = a.s;
      r.truncate_bits(bits);
      check("truncate", r, [&](W4::U x) { return x & W4::u((1 << bits) - 1); });
    }
    for (int bits = 1; bits <= 2; ++bits) {
      S4 r = a.s;
      r.sign_extend_bits(bits);
      check("sign extend", r, [&](W4::U x) { return extended<W4>(x, bits); });
    }
    S4 r = a.s;
    r.sign_extend32_bits(1);
    check("sign extend 32", r, [&](W4::U x) { return W4::zext(W4::lo(extended<W4>(x, 1))); });
    r = a.s;
    r.mov32();
    check("mov32", r, [&](W4::U x) { return W4::zext(W4::lo(x)); });
  }
}

// Pairs to try: all of them, or a stride that shares no factor with the number of scalars and so mixes kinds.
template <class F>
u64 each_pair(size_t budget, F&& f) {
  const auto& all = synced_scalars();
  const size_t n = all.size(), pairs = n * n;
  const size_t stride = full() || pairs <= budget ? 1 : pairs / budget | 1;
  u64 tried = 0;
  for (size_t i = 0; i < pairs; i += stride, ++tried) {
    f(all[i / n], all[i % n]);
    if (::testing::Test::HasFatalFailure()) break;
  }
  return tried;
}

TEST(Scalar, BinaryOperatorsHoldEveryResult) {
  u64 members = 0;
  const u64 tried = each_pair(300'000, [&](const Sample& a, const Sample& b) {
    for (AluOp op : kAluOps)
      for (bool is64 : {true, false})
        for (Precision p : {Precision::kLinux, Precision::kNative}) {
          S4 r = a.s;
          AluOps<W4>::apply(op, is64, r, b.s, p);
          const Set out = gamma<W4>(r);
          if (out == 0xffff) continue;
          each(a.members, [&](unsigned x) {
            each(b.members, [&](unsigned y) {
              ++members;
              const unsigned v = compute<W4>(op, is64, W4::u(x), W4::u(y)).v;
              ASSERT_TRUE(out >> v & 1)
                  << "op " << int(op) << (is64 ? " 64 " : " 32 ") << show(a.s) << " , " << show(b.s) << " -> "
                  << show(r) << " lost " << x << " op " << y << " = " << v;
            });
          });
        }
  });
  printf("%zu synced scalars, %llu pairs, %llu member pairs\n", synced_scalars().size(),
         (unsigned long long)tried, (unsigned long long)members);
  EXPECT_GT(members, 1'000'000u);
}

TEST(Scalar, BranchesAreDecidedRightAndRefinedWithoutLoss) {
  u64 decided = 0, narrowed = 0;
  each_pair(300'000, [&](const Sample& a, const Sample& b) {
    for (CmpOp op : kCmpOps)
      for (bool is32 : {true, false}) {
        const auto answer = BranchOps<W4>::taken(op, is32, a.s, b.s);
        decided += answer.yes || answer.no;
        S4 ra = a.s, rb = b.s;
        BranchOps<W4>::refine(op, is32, ra, rb);
        const Set ga = gamma<W4>(ra), gb = gamma<W4>(rb);
        narrowed += (a.members & ~ga) || (b.members & ~gb);
        each(a.members, [&](unsigned x) {
          each(b.members, [&](unsigned y) {
            const bool is = holds<W4>(op, is32, W4::u(x), W4::u(y));
            ASSERT_FALSE(answer.yes && !is) << int(op) << is32 << show(a.s) << show(b.s);
            ASSERT_FALSE(!answer.yes && answer.no && is) << int(op) << is32 << show(a.s) << show(b.s);
            if (!is) return;
            ASSERT_TRUE((ga >> x & 1) && (gb >> y & 1))
                << "cmp " << int(op) << (is32 ? " 32 " : " 64 ") << show(a.s) << " , " << show(b.s) << " -> "
                << show(ra) << " , " << show(rb) << " lost " << x << "," << y;
          });
        });
      }
  });
  EXPECT_GT(decided, 1000u);
  EXPECT_GT(narrowed, 1000u);
}

}  // namespace
}  // namespace osmia::verifier::test
