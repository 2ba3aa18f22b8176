// The hash table: Linux's update flags, full maps, iteration, LRU, and readers beside writers.
#include "maps/hash_table.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "maps/map_type.h"

namespace osmia::maps {
namespace {

MapPtr make(u32 type, u32 key, u32 value, u32 entries, u32 flags = 0) {
  MapAttr a;
  a.type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
  auto m = create_map(a);
  EXPECT_TRUE(m.ok()) << m.error().message;
  return m.ok() ? *m : nullptr;
}
class NoFds : public Descriptors {
  Result<MapPtr> map(int) override { return Error{EBADF, ""}; }
  Result<std::shared_ptr<ProgObject>> prog(int) override { return Error{EBADF, ""}; }
};

TEST(Hash, AgreesWithAModelOverRandomOperations) {
  for (const u32 key_size : {1u, 4u, 7u, 8u, 13u, 32u}) {
    auto m = make(BPF_MAP_TYPE_HASH, key_size, 12, 50);
    std::map<std::string, u64> model;
    std::mt19937 rng(key_size);
    for (int i = 0; i < 20000; i++) {
      std::string key(key_size, '\0');
      key[key_size / 2] = static_cast<char>(rng() % 80);
      u8 value[12] = {};
      const u64 v = rng();
      std::memcpy(value, &v, 8);
      const bool in_model = model.count(key);
      switch (rng() % 4) {
        case 0: {
          const u64 flags = rng() % 4;
          const s64 want = flags > BPF_EXIST                  ? -EINVAL
                           : in_model && flags == BPF_NOEXIST ? -EEXIST
                           : !in_model && flags == BPF_EXIST  ? -ENOENT
                           : !in_model && model.size() == 50  ? -E2BIG
                                                              : 0;
          ASSERT_EQ(m->update(key.data(), value, flags), want);
          if (!want) model[key] = v;
          break;
        }
        case 1:
          ASSERT_EQ(m->erase(key.data()), in_model ? 0 : -ENOENT);
          model.erase(key);
          break;
        default: {
          const void* found = m->lookup(key.data());
          ASSERT_EQ(found != nullptr, in_model);
          if (found) {
            ASSERT_EQ(load_unaligned<u64>(found), model[key]);
          }
        }
      }
    }
    size_t seen = 0;
    std::string key(key_size, '\0'), next(key_size, '\0');
    for (int e = m->next_key(nullptr, next.data()); !e; e = m->next_key(key.data(), next.data())) {
      EXPECT_TRUE(model.count(next));
      key = next;
      ASSERT_LE(++seen, model.size());
    }
    EXPECT_EQ(seen, model.size());
  }
}

TEST(Hash, AnAddressStaysReadableAndKeepsTheOldValueAfterAnUpdate) {
  auto m = make(BPF_MAP_TYPE_HASH, 4, 8, 4);
  const u32 key = 7;
  u64 value = 1;
  ASSERT_EQ(m->update(&key, &value, BPF_ANY), 0);
  const auto* old = static_cast<const u64*>(m->lookup(&key));
  value = 2;
  ASSERT_EQ(m->update(&key, &value, BPF_ANY), 0);
  EXPECT_EQ(*old, 1u);
  EXPECT_EQ(*static_cast<const u64*>(m->lookup(&key)), 2u);
}

TEST(Hash, LruMakesRoomAndKeepsWhatIsUsed) {
  auto m = make(BPF_MAP_TYPE_LRU_HASH, 4, 8, 100);
  const u32 hot = 1000000;
  u64 v = 5;
  ASSERT_EQ(m->update(&hot, &v, BPF_ANY), 0);
  for (u32 k = 0; k < 5000; k++) {
    ASSERT_EQ(m->update(&k, &v, BPF_ANY), 0) << k;
    ASSERT_TRUE(m->lookup(&hot)) << k;
  }
  u32 key = 0, next, n = 0;
  for (int e = m->next_key(nullptr, &next); !e; e = m->next_key(&key, &next)) key = next, n++;
  EXPECT_LE(n, 100u);
  EXPECT_GE(n, 2u);  // Linux evicts up to 128 at once, if they were not used
}

TEST(Hash, ReadersBesideWritersSeeOnlyWholeElements) {
  auto m = make(BPF_MAP_TYPE_HASH, 8, 16, 64);
  std::atomic<bool> stop{false};
  std::atomic<u64> hits{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < 2; w++)
    threads.emplace_back([&, w] {
      std::mt19937_64 rng(w);
      while (!stop) {
        const u64 key = rng() % 100;
        const u64 value[2] = {key, ~key};
        if (rng() % 3)
          m->update(&key, value, BPF_ANY);
        else
          m->erase(&key);
      }
    });
  for (int r = 0; r < 2; r++)
    threads.emplace_back([&, r] {
      std::mt19937_64 rng(100 + r);
      while (!stop) {
        const u64 key = rng() % 100;
        if (m->lookup(&key)) hits++;
        u64 next;
        m->next_key(&key, &next);
      }
    });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  stop = true;
  for (auto& t : threads) t.join();
  EXPECT_GT(hits.load(), 0u);
  u64 key = 0, next, n = 0;
  for (int e = m->next_key(nullptr, &next); !e && n < 1000; e = m->next_key(&key, &next)) {
    key = next, n++;
    const auto* v = static_cast<const u64*>(m->lookup(&key));
    ASSERT_TRUE(v);
    EXPECT_EQ(v[0], key);
    EXPECT_EQ(v[1], ~key);
  }
  EXPECT_LE(n, 64u);
}

TEST(Registry, HasAllTypesOfLinux612) {
  size_t n = 0;
  for (u32 t = BPF_MAP_TYPE_UNSPEC + 1; t < __MAX_BPF_MAP_TYPE; t++) {
    EXPECT_NE(find_type(t), nullptr) << t;
    n++;
  }
  EXPECT_EQ(n, 33u);
  EXPECT_EQ(find_type(0), nullptr);
  EXPECT_EQ(find_type(__MAX_BPF_MAP_TYPE), nullptr);
}

TEST(Queue, FirstInFirstOutAndStackTheOther) {
  for (const u32 type : {BPF_MAP_TYPE_QUEUE, BPF_MAP_TYPE_STACK}) {
    auto m = make(type, 0, 4, 3);
    for (u32 i = 1; i <= 3; i++) ASSERT_EQ(m->push(&i, BPF_ANY), 0);
    u32 v = 4;
    EXPECT_EQ(m->push(&v, BPF_ANY), -E2BIG);
    EXPECT_EQ(m->push(&v, BPF_EXIST), 0);  // the oldest goes
    EXPECT_EQ(m->push(&v, BPF_NOEXIST), -EINVAL);
    const u32 want[] = {2, 3, 4};
    for (int i = 0; i < 3; i++) {
      ASSERT_EQ(m->pop(&v), 0);
      EXPECT_EQ(v, type == BPF_MAP_TYPE_QUEUE ? want[i] : want[2 - i]);
    }
    EXPECT_EQ(m->pop(&v), -ENOENT);
    EXPECT_EQ(v, 0u);
  }
}

TEST(Lpm, FindsTheLongestPrefix) {
  auto m = make(BPF_MAP_TYPE_LPM_TRIE, 8, 4, 10, BPF_F_NO_PREALLOC);
  struct Key {
    u32 len;
    u8 ip[4];
  };
  const auto put = [&](Key k, u32 v) { return m->update(&k, &v, BPF_ANY); };
  ASSERT_EQ(put({8, {10, 0, 0, 0}}, 8), 0);
  ASSERT_EQ(put({24, {10, 1, 2, 0}}, 24), 0);
  ASSERT_EQ(put({0, {0, 0, 0, 0}}, 1), 0);
  EXPECT_EQ(put({33, {0, 0, 0, 0}}, 1), -EINVAL);
  const auto get = [&](Key k) { return *static_cast<const u32*>(m->lookup(&k)); };
  EXPECT_EQ(get({32, {10, 1, 2, 3}}), 24u);
  EXPECT_EQ(get({32, {10, 1, 3, 3}}), 8u);
  EXPECT_EQ(get({32, {11, 1, 3, 3}}), 1u);
  EXPECT_EQ(get({16, {10, 1, 2, 3}}), 8u);
}

}  // namespace
}  // namespace osmia::maps
