// Longest-prefix match against a plain list of prefixes, over key sizes, fill grades and orders of change.
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <atomic>
#include <cstring>
#include <map>
#include <random>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using Bytes = std::vector<u8>;

bool bit(const Bytes& b, u32 i) {
  return b[4 + i / 8] >> (7 - i % 8) & 1;
}
u32 length(const Bytes& key) {
  return load_unaligned<u32>(key.data());
}
// Linux's order: more specific first, then by bits.
struct Postorder {
  bool operator()(const Bytes& a, const Bytes& b) const {
    const u32 n = std::min(length(a), length(b));
    for (u32 i = 0; i < n; i++)
      if (bit(a, i) != bit(b, i)) return bit(b, i);
    return length(a) > length(b);
  }
};
using Model = std::map<Bytes, u64, Postorder>;

const u64* model_find(const Model& m, const Bytes& key) {
  const u64* best = nullptr;
  u32 longest = 0;
  for (const auto& [p, v] : m) {
    if (length(p) > length(key) || (best && length(p) <= longest)) continue;
    bool covers = true;
    for (u32 i = 0; i < length(p) && covers; i++) covers = bit(p, i) == bit(key, i);
    if (covers) best = &v, longest = length(p);
  }
  return best;
}

MapPtr make(u32 key, u32 entries, u32 value = 8) {
  MapAttr a;
  a.type = BPF_MAP_TYPE_LPM_TRIE, a.key_size = key, a.value_size = value, a.max_entries = entries;
  a.map_flags = BPF_F_NO_PREALLOC;
  auto m = create_map(a);
  EXPECT_TRUE(m.ok());
  return *m;
}

struct Case {
  u32 key_size, entries, distinct_bytes;
};
class Lpm : public testing::TestWithParam<Case> {};

TEST_P(Lpm, AgreesWithAModel) {
  const auto [key_size, entries, distinct] = GetParam();
  auto m = make(key_size, entries);
  Model model;
  std::mt19937 rng(key_size * 1000 + entries);
  const u32 bits = (key_size - 4) * 8;
  const auto random_key = [&] {
    Bytes k(key_size);
    store_unaligned<u32>(k.data(), rng() % 4 ? static_cast<u32>(rng() % (bits + 1))
                                             : std::min(bits, static_cast<u32>(14 + rng() % 5)));
    for (u32 i = 4; i < key_size; i++) k[i] = static_cast<u8>(rng() % distinct * 0x51);
    return k;
  };
  for (int i = 0; i < 12000; i++) {
    Bytes k = random_key();
    if (rng() % 3 == 0 && !model.empty()) {
      auto it = model.lower_bound(k);
      if (it != model.end()) k = it->first;
    }
    const auto in_model = model.find(k);
    const bool exists = in_model != model.end();
    const u64 v = rng();
    switch (rng() % 4) {
      case 0:
      case 1: {
        const u64 flags = rng() % 3;
        const s64 want = exists && flags == BPF_NOEXIST       ? -EEXIST
                         : !exists && flags == BPF_EXIST      ? -ENOENT
                         : !exists && model.size() >= entries ? -ENOSPC
                                                              : 0;
        ASSERT_EQ(m->update(k.data(), &v, flags), want);
        if (!want) model.erase(k), model.emplace(k, v);
        break;
      }
      case 2:
        ASSERT_EQ(m->erase(k.data()), exists ? 0 : -ENOENT);
        model.erase(k);
        break;
      default: {
        const u64* want = model_find(model, k);
        const void* got = m->lookup(k.data());
        ASSERT_EQ(got != nullptr, want != nullptr);
        if (got) {
          ASSERT_EQ(load_unaligned<u64>(got), *want);
        }
        const u64 direct =
            m->info().code.lookup(reinterpret_cast<u64>(m.get()), reinterpret_cast<u64>(k.data()), 0, 0, 0);
        ASSERT_EQ(direct, reinterpret_cast<u64>(got));
      }
    }
    if (i % 3000) continue;
    Bytes key(key_size), next(key_size);
    int err = m->next_key(nullptr, next.data());
    for (const auto& [p, value] : model) {
      ASSERT_EQ(err, 0);
      ASSERT_EQ(next, p);
      key = next;
      err = m->next_key(key.data(), next.data());
    }
    ASSERT_EQ(err, -ENOENT);
  }
}
INSTANTIATE_TEST_SUITE_P(Shapes, Lpm,
                         testing::Values(Case{5, 100, 5}, Case{6, 1000, 5}, Case{8, 100, 3}, Case{8, 1000, 3},
                                         Case{8, 300, 2}, Case{12, 1000, 3}, Case{20, 1000, 2},
                                         Case{11, 300, 3}, Case{40, 100, 2}, Case{40, 500, 2}));

TEST(LpmErrors, LengthBeyondTheKey) {
  auto m = make(8, 10);
  const u32 key[2] = {33, 0};
  const u64 v = 1;
  EXPECT_EQ(m->update(key, &v, BPF_ANY), -EINVAL);
  EXPECT_EQ(m->erase(key), -EINVAL);
  EXPECT_EQ(m->lookup(key), nullptr);
  EXPECT_EQ(m->update(key, &v, 3), -EINVAL);
}

// Programs use atomic instructions on values.
TEST(LpmValues, AreAligned) {
  for (const u32 key_size : {5u, 8u, 12u, 20u}) {
    for (const u32 value_size : {1u, 4u, 8u, 12u, 33u}) {
      auto m = make(key_size, 8, value_size);
      std::vector<u8> key(key_size), value(value_size, 7);
      for (u8 i = 0; i < 8; i++) {
        key[0] = 8, key[4] = i;
        ASSERT_EQ(m->update(key.data(), value.data(), BPF_ANY), 0);
        EXPECT_EQ(reinterpret_cast<u64>(m->lookup(key.data())) % 8, 0u) << key_size << " " << value_size;
      }
    }
  }
}

// Prefixes that are always there must always be found, whatever is done around them.
TEST(LpmConcurrent, ReadersNeverMissWhatStays) {
  auto m = make(8, 4000);
  struct Key {
    u32 len;
    u8 ip[4];
  };
  const u64 fixed = 1;
  for (u32 i = 0; i < 64; i++) {
    const Key k{i % 2 ? 12u : 24u, {static_cast<u8>(i * 4), 0, 7, 0}};
    ASSERT_EQ(m->update(&k, &fixed, BPF_ANY), 0);
  }
  std::atomic<bool> stop{false};
  std::atomic<u64> missed{0}, strange{0}, reads{0};
  std::thread reader([&] {
    std::mt19937 rng(1);
    while (!stop) {
      host::RunScope scope(nullptr);
      for (int n = 0; n < 100; n++) {
        const u32 i = rng() % 64;
        const Key k{32, {static_cast<u8>(i * 4), 0, 7, 9}};
        const auto* v = static_cast<const u64*>(m->lookup(&k));
        if (!v)
          missed++;
        else if (const u64 x = __atomic_load_n(v, __ATOMIC_RELAXED); x != 1 && x != 2)
          strange++;
        reads++;
      }
    }
  });
  std::mt19937 rng(2);
  const u64 other = 2;
  for (int n = 0; n < 60000; n++) {
    const u32 r = rng();
    const Key k{8 + r % 25,
                {static_cast<u8>(r >> 8 & 0xfc), 0, static_cast<u8>(r >> 24 & 7), static_cast<u8>(r >> 28)}};
    const bool stays = (k.len == 24 && k.ip[2] == 7) || k.len == 12;
    if (stays) continue;
    if (r & 0x80)
      m->update(&k, &other, BPF_ANY);
    else
      m->erase(&k);
  }
  stop = true;
  reader.join();
  EXPECT_EQ(missed, 0u);
  EXPECT_EQ(strange, 0u);
  EXPECT_GT(reads, 0u);
}

}  // namespace
}  // namespace osmia::maps
