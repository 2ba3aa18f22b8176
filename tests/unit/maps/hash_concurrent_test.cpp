// What must hold while several threads change a hash at once: no element is lost or doubled, a full map says
// so exactly, an LRU map never holds more than max_entries, values are those of their keys.
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

MapPtr make(u32 type, u32 entries, u32 flags = 0, u32 value = 8) {
  MapAttr a;
  a.type = type, a.key_size = 8, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
  auto m = create_map(a);
  EXPECT_TRUE(m.ok());
  return *m;
}
std::set<u64> keys_of(Map& m) {
  std::set<u64> keys;
  u64 key = 0, next;
  for (int e = m.next_key(nullptr, &next); !e && keys.size() < 1000000; e = m.next_key(&key, &next)) {
    EXPECT_TRUE(keys.insert(next).second) << next;
    key = next;
  }
  return keys;
}
template <class Fn>
void in_threads(u32 n, Fn fn) {
  std::vector<std::thread> threads;
  for (u32 t = 0; t < n; t++)
    threads.emplace_back([&fn, t] {
      host::RunScope scope(nullptr);
      fn(t);
    });
  for (auto& t : threads) t.join();
}

TEST(HashConcurrent, ExactlyMaxEntriesFit) {
  for (const u32 entries : {1u, 2u, 33u, 1000u}) {
    auto m = make(BPF_MAP_TYPE_HASH, entries);
    for (int round = 0; round < 5; round++) {
      std::atomic<u32> inserted{0};
      in_threads(2, [&](u32 t) {
        for (u64 i = 0; i < entries + 10; i++) {
          const u64 key = i * 2 + t;
          const s64 err = m->update(&key, &key, BPF_NOEXIST);
          ASSERT_TRUE(err == 0 || err == -E2BIG);
          inserted += !err;
        }
      });
      EXPECT_EQ(inserted, entries);
      EXPECT_EQ(keys_of(*m).size(), entries);
      for (const u64 key : keys_of(*m)) {  // a full map can be updated, many times
        for (int i = 0; i < 3; i++) ASSERT_EQ(m->update(&key, &key, BPF_EXIST), 0);
      }
      in_threads(2, [&](u32 t) {
        for (u64 i = 0; i < entries + 10; i++) {
          const u64 key = i * 2 + t;
          m->erase(&key);
        }
      });
      EXPECT_TRUE(keys_of(*m).empty());
    }
  }
}

TEST(HashConcurrent, OwnKeysAreNeverDisturbed) {
  for (const u32 flags : {0u, static_cast<u32>(BPF_F_NO_PREALLOC)}) {
    auto m = make(BPF_MAP_TYPE_HASH, 512, flags);
    in_threads(2, [&](u32 t) {
      std::mt19937_64 rng(t);
      std::vector<u64> value(100, 0);  // 0: not there
      for (int i = 0; i < 40000; i++) {
        const u64 n = rng() % value.size(), key = n * 2 + t;
        if (rng() % 3 == 0) {
          ASSERT_EQ(m->erase(&key), value[n] ? 0 : -ENOENT);
          value[n] = 0;
        } else if (rng() % 2) {
          const u64 v = rng() | 1;
          ASSERT_EQ(m->update(&key, &v, BPF_ANY), 0);
          value[n] = v;
        } else {
          const void* v = m->lookup(&key);
          ASSERT_EQ(v != nullptr, value[n] != 0);
          if (v) {
            ASSERT_EQ(__atomic_load_n(static_cast<const u64*>(v), __ATOMIC_RELAXED), value[n]);
          }
        }
      }
    });
  }
}

TEST(HashConcurrent, LruNeverHoldsMoreAndServesEveryInsertion) {
  for (const u32 flags : {0u, static_cast<u32>(BPF_F_NO_COMMON_LRU)})
    for (const u32 type : {BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH})
      for (const u32 entries : {2u, 64u, 500u}) {
        auto m = make(type, entries, flags);
        in_threads(2, [&](u32 t) {
          std::mt19937_64 rng(t);
          for (int i = 0; i < 10000; i++) {
            const u64 key = rng() % (entries * 3);
            const s64 err = m->update(&key, &key, rng() % 8 ? BPF_ANY : BPF_NOEXIST);
            ASSERT_TRUE(err == 0 || err == -EEXIST) << err;
            m->lookup(&key);
            if (rng() % 16 == 0) m->erase(&key);
          }
        });
        EXPECT_LE(keys_of(*m).size(), m->max_entries());
        // A list takes 128 elements at once, as on Linux: a small map may be nearly empty after that.
        if (entries > 2 * 128) {
          EXPECT_GE(keys_of(*m).size(), m->max_entries() / 4);
        }
      }
}

TEST(HashConcurrent, IterationBesideChangesEnds) {
  auto m = make(BPF_MAP_TYPE_HASH, 256);
  for (u64 k = 1000; k < 1100; k++) ASSERT_EQ(m->update(&k, &k, BPF_ANY), 0);  // these stay
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    std::mt19937_64 rng(5);
    while (!stop) {
      const u64 key = rng() % 200;
      if (rng() % 2)
        m->update(&key, &key, BPF_ANY);
      else
        m->erase(&key);
    }
  });
  for (int i = 0; i < 200; i++) {
    u32 calls = 0, strange = 0;
    m->for_each(
        [&](const void* k, void*) {
          const u64 key = __atomic_load_n(static_cast<const u64*>(k), __ATOMIC_RELAXED);
          strange += !(key < 200 || (key >= 1000 && key < 1100));
          return ++calls > 100000;
        },
        0);
    ASSERT_LT(calls, 100000u);
    EXPECT_EQ(strange, 0u);
    std::vector<u8> out;
    for (u32 b = 0; m->bucket_batch(b, 1000, false, 0, out) != -ENOENT; b++) {
    }
    EXPECT_GE(out.size(), 100u * 16);
  }
  stop = true;
  writer.join();
}

TEST(HashFlags, UpdatesAndTheirErrors) {
  auto m = make(BPF_MAP_TYPE_HASH, 2);
  const u64 k[3] = {1, 2, 3}, v = 7;
  EXPECT_EQ(m->update(&k[0], &v, BPF_EXIST), -ENOENT);
  EXPECT_EQ(m->update(&k[0], &v, BPF_NOEXIST), 0);
  EXPECT_EQ(m->update(&k[0], &v, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(m->update(&k[0], &v, BPF_NOEXIST | BPF_EXIST), -EINVAL);
  EXPECT_EQ(m->update(&k[0], &v, BPF_F_LOCK), -EINVAL);  // no bpf_spin_lock in the value
  EXPECT_EQ(m->update(&k[1], &v, BPF_ANY), 0);
  EXPECT_EQ(m->update(&k[2], &v, BPF_ANY), -E2BIG);
  u64 out = 0;
  EXPECT_EQ(m->lookup_and_delete(&k[1], &out, 0), 0);
  EXPECT_EQ(out, 7u);
  EXPECT_EQ(m->lookup_and_delete(&k[1], &out, 0), -ENOENT);
  EXPECT_EQ(m->update(&k[2], &v, BPF_ANY), 0);
}

TEST(PercpuHash, ANewElementIsZeroOnOtherCpus) {
  auto m = make(BPF_MAP_TYPE_PERCPU_HASH, 4);
  const u64 key = 1, v = 7;
  std::vector<u64> all(host::nr_cpus());
  for (int round = 0; round < 3; round++) {
    host::RunScope scope(nullptr);
    ASSERT_EQ(m->update(&key, &v, BPF_ANY), 0);
    ASSERT_EQ(m->lookup_user(&key, all.data(), 0), 0);
    for (u32 c = 0; c < all.size(); c++) EXPECT_EQ(all[c], c == host::current_cpu() ? 7u : 0u);
    for (u32 c = 0; c < all.size(); c++) *static_cast<u64*>(m->lookup_percpu(&key, c)) = 99;
    EXPECT_EQ(m->lookup_percpu(&key, host::nr_cpus()), nullptr);
    ASSERT_EQ(m->erase(&key), 0);
  }
}

}  // namespace
}  // namespace osmia::maps
