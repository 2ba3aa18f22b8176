// Walking a map, and waiting for a ring buffer, while others change them: what stays is met, nothing that
// never was is seen, no wake-up is lost.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/map_type.h"
#include "maps/ring_buffer.h"

namespace osmia::maps {
namespace {

constexpr u64 kStable = 200, kChurn = 1000;  // keys below kStable never go

MapPtr make(u32 type, u32 entries, u32 flags = 0) {
  MapAttr a;
  a.type = type, a.key_size = 8, a.value_size = 8, a.max_entries = entries, a.map_flags = flags;
  auto m = create_map(a);
  EXPECT_TRUE(m.ok());
  return *m;
}

// Inserts and deletes keys from kStable on until told to stop.
class Churn {
 public:
  explicit Churn(Map& m)
      : thread_([this, &m] {
          host::RunScope scope(nullptr);
          for (u64 i = 0; !stop_; i++) {
            const u64 key = kStable + i % kChurn, value = key * 3;
            if (i / kChurn % 2)
              m.erase(&key);
            else
              m.update(&key, &value, BPF_ANY);
          }
        }) {}
  ~Churn() {
    stop_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

TEST(WalkConcurrent, BatchesMeetWhatStaysOnce) {
  for (const u32 type : {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH}) {
    auto m = make(type, 8192);
    for (u64 key = 0; key < kStable; key++) {
      const u64 value = key * 3;
      ASSERT_EQ(m->update(&key, &value, BPF_ANY), 0);
    }
    const Churn churn(*m);
    for (int round = 0; round < 30; round++) {
      std::map<u64, int> met;
      for (u32 bucket = 0;; bucket++) {
        std::vector<u8> got;
        const int err = m->bucket_batch(bucket, 100000, false, 0, got);
        if (err == -ENOENT) break;
        ASSERT_EQ(err, 0);
        for (size_t at = 0; at < got.size(); at += 16) {
          const u64 key = load_unaligned<u64>(&got[at]);
          ASSERT_LT(key, kStable + kChurn);
          ASSERT_EQ(load_unaligned<u64>(&got[at + 8]), key * 3);
          met[key]++;
        }
      }
      for (u64 key = 0; key < kStable; key++)
        ASSERT_EQ(met[key], 1) << "key " << key << ", map type " << type;
    }
  }
}

// A key that goes while it is the walk's start begins the walk anew, as on Linux: nothing is missed then.
TEST(WalkConcurrent, NextKeyGivesKeysThatWere) {
  for (const u32 type : {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_PERCPU_HASH}) {
    auto m = make(type, 8192);
    for (u64 key = 0; key < kStable; key++) {
      const u64 value = key * 3;
      ASSERT_EQ(m->update(&key, &value, BPF_ANY), 0);
    }
    const Churn churn(*m);
    int whole = 0;
    for (int round = 0; round < 20; round++) {
      std::set<u64> met;
      u64 key = 0, next = 0;
      int err = m->next_key(nullptr, &next);
      for (int steps = 0; !err && steps < 100000; steps++) {
        ASSERT_LT(next, kStable + kChurn);
        met.insert(next);
        key = next;
        err = m->next_key(&key, &next);
      }
      if (err != -ENOENT) continue;  // kept beginning anew
      whole++;
      for (u64 k = 0; k < kStable; k++) ASSERT_TRUE(met.count(k)) << "key " << k << ", map type " << type;
    }
    EXPECT_GT(whole, 0);
  }
}

TEST(WalkConcurrent, NoWakeUpIsLost) {
  MapAttr a;
  a.type = BPF_MAP_TYPE_RINGBUF, a.max_entries = 4096;
  auto made = create_map(a);
  ASSERT_TRUE(made.ok());
  auto& ring = static_cast<RingBufferMap&>(**made);
  const int epoll = epoll_create1(0);
  epoll_event want{};
  want.events = EPOLLIN;  // the level
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, ring.poll_fd(), &want), 0);
  auto pages = ring.map_memory(nullptr, 4096, 3, 1, 0);  // PROT_READ | PROT_WRITE, MAP_SHARED
  ASSERT_TRUE(pages.ok());
  auto* consumer = static_cast<u64*>(*pages);
  auto data_pages = ring.map_memory(nullptr, 3 * 4096, 1, 1, 4096);  // PROT_READ
  ASSERT_TRUE(data_pages.ok());
  const auto* data = static_cast<const u8*>(*data_pages) + 4096;
  constexpr u64 kRecords = 100000;
  std::thread producer([&] {
    host::RunScope scope(nullptr);
    for (u64 i = 0; i < kRecords;) {
      if (ring.output(&i, 8, 0) == 0)
        i++;
      else
        std::this_thread::yield();
    }
  });
  u64 consumed = 0;
  bool in_time = true;
  while (consumed < kRecords && in_time) {
    ring.settle(false);
    epoll_event e;
    in_time = epoll_wait(epoll, &e, 1, 20000) == 1;
    while (ring.query(BPF_RB_AVAIL_DATA)) {
      const auto* header = reinterpret_cast<const u32*>(data + (*consumer & 4095));
      if (__atomic_load_n(header, __ATOMIC_ACQUIRE) & BPF_RINGBUF_BUSY_BIT) break;
      __atomic_store_n(consumer, *consumer + 16, __ATOMIC_SEQ_CST);
      consumed++;
    }
  }
  EXPECT_TRUE(in_time) << consumed;
  EXPECT_EQ(consumed, kRecords);
  producer.join();
  close(epoll);
}

}  // namespace
}  // namespace osmia::maps
