// Ring buffers through their mapped pages, as libbpf uses them.
#include "maps/ring_buffer.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>

#include "base/bits.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

constexpr u64 kSize = 8192;

struct Pages {
  u64* consumer;
  u64* producer;
  u8* data;
};

template <class M>
std::shared_ptr<M> make(u32 type, Pages* pages, bool user) {
  MapAttr a;
  a.type = type, a.max_entries = kSize;
  auto m = std::static_pointer_cast<M>(*create_map(a));
  const int rw = PROT_READ | PROT_WRITE;
  auto consumer = m->map_memory(nullptr, 4096, user ? PROT_READ : rw, MAP_SHARED, 0);
  auto rest = m->map_memory(nullptr, 4096 + 2 * kSize, user ? rw : PROT_READ, MAP_SHARED, 4096);
  EXPECT_TRUE(consumer.ok() && rest.ok());
  pages->consumer = static_cast<u64*>(*consumer);
  pages->producer = static_cast<u64*>(*rest);
  pages->data = static_cast<u8*>(*rest) + 4096;
  return m;
}
bool ready(int epoll) {
  epoll_event e;
  return epoll_wait(epoll, &e, 1, 0) == 1;
}

TEST(RingBuffer, RecordsFlagsAndWakeups) {
  Pages p;
  auto m = make<RingBufferMap>(BPF_MAP_TYPE_RINGBUF, &p, false);
  const int epoll = epoll_create1(0);
  epoll_event want{};
  want.events = EPOLLIN | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, m->poll_fd(), &want), 0);
  EXPECT_FALSE(ready(epoll));
  auto* r = static_cast<u64*>(m->reserve(16, 0));
  ASSERT_TRUE(r);
  EXPECT_EQ(*p.producer, 24u);
  EXPECT_EQ(load_unaligned<u32>(p.data), 16u | BPF_RINGBUF_BUSY_BIT);
  r[0] = 42;
  RingBufferMap::commit(r, 0, false);
  EXPECT_EQ(load_unaligned<u32>(p.data), 16u);
  EXPECT_EQ(load_unaligned<u64>(p.data + 8), 42u);
  EXPECT_TRUE(ready(epoll));  // the consumer had caught up
  RingBufferMap::commit(m->reserve(1, 0), 0, true);
  EXPECT_EQ(load_unaligned<u32>(p.data + 24), 1u | BPF_RINGBUF_DISCARD_BIT);
  EXPECT_FALSE(ready(epoll));  // it has not: it will see this one by itself
  RingBufferMap::commit(m->reserve(1, 0), BPF_RB_FORCE_WAKEUP, false);
  EXPECT_TRUE(ready(epoll));
  __atomic_store_n(p.consumer, *p.producer, __ATOMIC_RELEASE);
  RingBufferMap::commit(m->reserve(1, 0), BPF_RB_NO_WAKEUP, false);
  EXPECT_FALSE(ready(epoll));
  EXPECT_EQ(m->query(BPF_RB_RING_SIZE), kSize);
  EXPECT_EQ(m->query(BPF_RB_AVAIL_DATA), 16u);
  EXPECT_EQ(m->query(BPF_RB_PROD_POS), 24u + 16 + 16 + 16);
  EXPECT_EQ(m->output("x", 1, 4), -EINVAL);
  EXPECT_EQ(m->reserve(8, 1), nullptr);
  EXPECT_EQ(m->reserve(kSize, 0), nullptr);
  close(epoll);
}

TEST(RingBuffer, WhatUserSpaceMayMap) {
  Pages p;
  auto m = make<RingBufferMap>(BPF_MAP_TYPE_RINGBUF, &p, false);
  const int rw = PROT_READ | PROT_WRITE;
  EXPECT_EQ(m->map_memory(nullptr, 4096, rw, MAP_SHARED, 4096).error().code, EPERM);
  EXPECT_EQ(m->map_memory(nullptr, 8192, rw, MAP_SHARED, 0).error().code, EPERM);
  EXPECT_EQ(m->map_memory(nullptr, 4096, PROT_READ, MAP_PRIVATE, 4096).error().code, EINVAL);
  EXPECT_EQ(m->map_memory(nullptr, 8192 + 2 * kSize + 4096, PROT_READ, MAP_SHARED, 0).error().code, EINVAL);
  auto second =
      m->map_memory(nullptr, kSize, PROT_READ, MAP_SHARED, 8192 + kSize);  // the data's second image
  ASSERT_TRUE(second.ok());
  auto* r = static_cast<u64*>(m->reserve(8, 0));
  *r = 7;
  RingBufferMap::commit(r, 0, false);
  EXPECT_EQ(load_unaligned<u64>(static_cast<u8*>(*second) + 8), 7u);
}

// A consumer that lies about its position must not make records overlap that are still being written.
TEST(RingBuffer, AnUncommittedRecordIsNotOverrun) {
  Pages p;
  auto m = make<RingBufferMap>(BPF_MAP_TYPE_RINGBUF, &p, false);
  void* held = m->reserve(kSize / 2, 0);
  ASSERT_TRUE(held);
  void* second = m->reserve(kSize / 2 - 32, 0);
  ASSERT_TRUE(second);
  RingBufferMap::commit(second, 0, false);
  __atomic_store_n(p.consumer, *p.producer, __ATOMIC_RELEASE);  // not true: `held` is busy
  EXPECT_EQ(m->reserve(64, 0), nullptr);
  RingBufferMap::commit(held, 0, false);
  EXPECT_NE(m->reserve(64, 0), nullptr);
}

TEST(RingBuffer, ProducersAndAConsumerAgree) {
  Pages p;
  auto m = make<RingBufferMap>(BPF_MAP_TYPE_RINGBUF, &p, false);
  constexpr u32 kEach = 20000;
  std::atomic<u32> left{2};
  std::vector<std::thread> producers;
  for (u32 t = 0; t < 2; t++)
    producers.emplace_back([&, t] {
      std::mt19937 rng(t);
      for (u32 i = 0; i < kEach;) {
        const u32 n = 8 + rng() % 100;
        auto* r = static_cast<u8*>(m->reserve(n, 0));
        if (!r) {
          std::this_thread::yield();
          continue;
        }
        store_unaligned<u32>(r, t);
        store_unaligned<u32>(r + 4, i);
        std::memset(r + 8, static_cast<int>(i & 0xff), n - 8);
        RingBufferMap::commit(r, 0, i % 7 == 0);
        i++;
      }
      left--;
    });
  u32 next[2] = {0, 0}, bad = 0;
  u64 at = 0;
  for (;;) {
    const bool last = !left;
    const u64 end = __atomic_load_n(p.producer, __ATOMIC_ACQUIRE);
    if (at == end && last) break;
    while (at < end) {
      const u8* h = p.data + (at & (kSize - 1));
      const u32 word = __atomic_load_n(reinterpret_cast<const u32*>(h), __ATOMIC_ACQUIRE);
      if (word & BPF_RINGBUF_BUSY_BIT) break;
      const u32 n = word & ~BPF_RINGBUF_DISCARD_BIT, t = load_unaligned<u32>(h + 8),
                i = load_unaligned<u32>(h + 12);
      bad += t > 1 || i != next[t & 1]++ ||
             (word & BPF_RINGBUF_DISCARD_BIT) != (i % 7 == 0 ? u32{BPF_RINGBUF_DISCARD_BIT} : 0u);
      for (u32 b = 8; b < n; b++) bad += h[8 + b] != (i & 0xff);
      at += align_up(u64{n} + 8, 8);
      __atomic_store_n(p.consumer, at, __ATOMIC_RELEASE);
    }
    if (at < end || at == end) std::this_thread::yield();
  }
  for (auto& t : producers) t.join();
  EXPECT_EQ(bad, 0u);
  EXPECT_EQ(next[0], kEach);
  EXPECT_EQ(next[1], kEach);
}

struct UserRing : testing::Test {
  Pages p;
  std::shared_ptr<UserRingBufferMap> m = make<UserRingBufferMap>(BPF_MAP_TYPE_USER_RINGBUF, &p, true);
  u64 produced = 0;
  void put(u32 length, u32 flags, u32 value) {
    u8* h = p.data + (produced & (kSize - 1));
    store_unaligned<u32>(h + 8, value);
    __atomic_store_n(reinterpret_cast<u32*>(h), length | flags, __ATOMIC_RELEASE);
    produced += align_up(u64{length} + 8, 8);
    __atomic_store_n(p.producer, produced, __ATOMIC_RELEASE);
  }
  std::vector<u32> got;
  s64 drain(u64 flags = 0, u32 stop_at = ~0u) {
    return m->drain(
        [&](void* sample, u32 bytes) -> u64 {
          EXPECT_GE(bytes, 4u);
          got.push_back(load_unaligned<u32>(sample));
          return got.back() == stop_at;
        },
        flags);
  }
};

TEST_F(UserRing, DrainsWhatWasSubmitted) {
  EXPECT_EQ(drain(), 0);
  for (u32 i = 0; i < 5; i++) put(12, i == 2 ? u32{BPF_RINGBUF_DISCARD_BIT} : 0u, i);
  put(12, BPF_RINGBUF_BUSY_BIT, 5);
  EXPECT_EQ(drain(0, 1), 2);
  EXPECT_EQ(drain(), 2);
  EXPECT_EQ(got, (std::vector<u32>{0, 1, 3, 4}));
  EXPECT_EQ(__atomic_load_n(p.consumer, __ATOMIC_ACQUIRE), 5 * 24u);
  EXPECT_EQ(drain(8), -EINVAL);
}

TEST_F(UserRing, BelievesNothing) {
  __atomic_store_n(p.producer, 12, __ATOMIC_RELEASE);
  EXPECT_EQ(drain(), -EINVAL);  // not a multiple of 8
  store_unaligned<u32>(p.data, 100);
  __atomic_store_n(p.producer, 16, __ATOMIC_RELEASE);
  EXPECT_EQ(drain(), -EINVAL);  // longer than what was produced
  store_unaligned<u32>(p.data, 3 * kSize);
  __atomic_store_n(p.producer, 1 << 20, __ATOMIC_RELEASE);
  EXPECT_EQ(drain(), -E2BIG);
  EXPECT_TRUE(got.empty());
}

TEST_F(UserRing, WakesAProducerThatWaitsForRoom) {
  const int epoll = epoll_create1(0);
  epoll_event want{};
  want.events = EPOLLOUT | EPOLLET;
  ASSERT_EQ(epoll_ctl(epoll, EPOLL_CTL_ADD, m->poll_fd(), &want), 0);
  EXPECT_TRUE(ready(epoll));
  EXPECT_FALSE(ready(epoll));
  put(8, 0, 1);
  drain(BPF_RB_NO_WAKEUP);
  EXPECT_FALSE(ready(epoll));
  put(8, 0, 1);
  drain();
  EXPECT_TRUE(ready(epoll));
  close(epoll);
}

TEST_F(UserRing, MapRights) {
  EXPECT_EQ(m->map_memory(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0).error().code, EPERM);
}

}  // namespace
}  // namespace osmia::maps
