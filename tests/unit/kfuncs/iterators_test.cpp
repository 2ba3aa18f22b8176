// Open-coded iterators against what they enumerate.
#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <vector>

#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

u64 address(const void* p) {
  return reinterpret_cast<u64>(p);
}
s64 signed_of(u64 v) {
  return static_cast<s64>(v);
}

TEST(Iterators, NumbersAtTheEdges) {
  struct Case {
    s32 start, end;
    s64 result;
    u32 count;
  };
  const Case cases[] = {{0, 0, 0, 0},
                        {3, 2, -EINVAL, 0},
                        {-3, 4, 0, 7},
                        {INT32_MIN, INT32_MIN + 2, 0, 2},
                        {INT32_MAX - 1, INT32_MAX, 0, 1},
                        {INT32_MAX, INT32_MAX, 0, 0},
                        {INT32_MIN, INT32_MAX, -E2BIG, 0},
                        {0, 8 * 1024 * 1024 + 1, -E2BIG, 0}};
  for (const Case& c : cases) {
    u64 it = ~u64{0};
    // The upper halves of the registers mean nothing.
    const u64 start = 0xabcd00000000 | static_cast<u32>(c.start),
              end = 0x1200000000 | static_cast<u32>(c.end);
    EXPECT_EQ(signed_of(iter_num_new(address(&it), start, end, 0, 0)), c.result) << c.start << " " << c.end;
    u32 n = 0;
    while (const u64 p = iter_num_next(address(&it), 0, 0, 0, 0))
      ASSERT_EQ(*reinterpret_cast<const s32*>(p), static_cast<s32>(static_cast<u32>(c.start) + n++));
    EXPECT_EQ(n, c.count) << c.start << " " << c.end;
    EXPECT_EQ(iter_num_next(address(&it), 0, 0, 0, 0), 0u) << "an iterator that has ended stays ended";
    iter_num_destroy(address(&it), 0, 0, 0, 0);
    EXPECT_EQ(it, 0u);
  }
}

TEST(Iterators, BitsOfEverySize) {
  std::mt19937_64 rng(7);
  for (const u32 words : {1u, 2u, 3u, 64u, 511u}) {
    for (const int density : {0, 1, 2, 3}) {
      std::vector<u64> memory(words);
      for (u64& w : memory)
        w = density == 0 ? 0 : density == 1 ? rng() & rng() & rng() & rng() : density == 2 ? rng() : ~u64{0};
      u64 it[2] = {};
      ASSERT_EQ(iter_bits_new(address(it), address(memory.data()), words, 0, 0), 0u);
      const std::vector<u64> before = memory;
      for (u64& w : memory) w = ~w;  // the iterator has a copy
      for (u32 bit = 0; bit < words * 64; bit++) {
        if (!(before[bit / 64] >> bit % 64 & 1)) continue;
        const u64 p = iter_bits_next(address(it), 0, 0, 0, 0);
        ASSERT_NE(p, 0u);
        ASSERT_EQ(*reinterpret_cast<const s32*>(p), static_cast<s32>(bit));
      }
      EXPECT_EQ(iter_bits_next(address(it), 0, 0, 0, 0), 0u);
      EXPECT_EQ(iter_bits_next(address(it), 0, 0, 0, 0), 0u);
      iter_bits_destroy(address(it), 0, 0, 0, 0);
    }
  }
}

TEST(Iterators, BitsOfWhatCannotBeRead) {
  u64 it[2], word = 1;
  EXPECT_EQ(signed_of(iter_bits_new(address(it), 0, 1, 0, 0)), -EINVAL);
  EXPECT_EQ(signed_of(iter_bits_new(address(it), address(&word), 0, 0, 0)), -EINVAL);
  EXPECT_EQ(signed_of(iter_bits_new(address(it), address(&word), 512, 0, 0)), -E2BIG);
  for (const u32 words : {1u, 100u}) {
    EXPECT_EQ(signed_of(iter_bits_new(address(it), 8, words, 0, 0)), -EFAULT);
    EXPECT_EQ(iter_bits_next(address(it), 0, 0, 0, 0), 0u);
    iter_bits_destroy(address(it), 0, 0, 0, 0);
  }
}

}  // namespace
}  // namespace osmia::kfuncs::code
