// Timers in map values: they fire once, with their map, key and value; whatever takes their value away stops
// them.
#include "maps/async.h"

#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/map_type.h"
#include "rewrite/exec_program.h"

namespace osmia::maps {
namespace {

constexpr u32 kTimerOffset = 8, kValueSize = 24;
std::atomic<u32> g_fired{0};
std::atomic<u64> g_map{0}, g_key{0}, g_value{0};
std::atomic<s64> g_own_cancel{0};

u64 on_timer(const rewrite::BpfCallback*, u64 map, u64 key, u64 value, u64, u64) {
  g_map = map;
  g_key = load_unaligned<u32>(reinterpret_cast<const void*>(key));
  g_value = value;
  g_own_cancel = async::cancel(reinterpret_cast<void*>(value + kTimerOffset));
  g_fired++;
  return 0;
}

class Timers : public testing::TestWithParam<u32> {
 protected:
  void SetUp() override {
    g_fired = 0;
    MapAttr a;
    a.type = GetParam(), a.key_size = 4, a.value_size = kValueSize, a.max_entries = 4;
    map_ = *create_map(a);
    auto record = std::make_shared<btf::FieldRecord>();
    btf::Field f;
    f.kind = btf::kFieldTimer, f.offset = kTimerOffset, f.size = 16;
    record->fields.push_back(f);
    record->mask = btf::kFieldTimer;
    record->timer_off = kTimerOffset;
    map_->mutable_info().record = record;
    map_->user_ref();
    program_ = std::make_shared<int>(1);
    callback_.call = on_timer;
    callback_.life = program_;
    const u32 key = 2;
    const u8 value[kValueSize] = {9};
    ASSERT_EQ(map_->update(&key, value, BPF_ANY), 0);
  }
  void* field(u32 key = 2) { return static_cast<u8*>(map_->lookup(&key)) + kTimerOffset; }
  u64 callback() const { return reinterpret_cast<u64>(&callback_); }
  static bool fired_within(u32 count, int ms) {
    for (int i = 0; i < ms && g_fired < count; i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return g_fired >= count;
  }
  MapPtr map_;
  std::shared_ptr<int> program_;
  rewrite::BpfCallback callback_;
};

TEST_P(Timers, FireOnceWithMapKeyAndValue) {
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL);
  EXPECT_EQ(async::init(field(), *map_, btf::kFieldTimer, 5), -EINVAL);
  ASSERT_EQ(async::init(field(), *map_, btf::kFieldTimer, CLOCK_MONOTONIC), 0);
  EXPECT_EQ(async::init(field(), *map_, btf::kFieldTimer, CLOCK_MONOTONIC), -EBUSY);
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL);  // no callback yet
  ASSERT_EQ(async::set_callback(field(), callback()), 0);
  EXPECT_EQ(async::start(field(), 0, 8), -EINVAL);
  ASSERT_EQ(async::start(field(), 2000000, 0), 0);
  ASSERT_TRUE(fired_within(1, 5000));
  EXPECT_EQ(g_map, reinterpret_cast<u64>(map_.get()));
  EXPECT_EQ(g_key, 2u);
  EXPECT_EQ(g_value, reinterpret_cast<u64>(field()) - kTimerOffset);
  EXPECT_EQ(g_own_cancel, -EDEADLK);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(g_fired, 1u);
  ASSERT_EQ(async::start(field(), 0, 0), 0);  // again
  EXPECT_TRUE(fired_within(2, 5000));
}

TEST_P(Timers, StoppedByCancelUpdateDeleteAndClosing) {
  const u64 soon = 20000000;
  const auto armed = [&] {
    if (!__atomic_load_n(static_cast<u64*>(field()), __ATOMIC_RELAXED)) {
      ASSERT_EQ(async::init(field(), *map_, btf::kFieldTimer, CLOCK_BOOTTIME), 0);
    }
    ASSERT_EQ(async::set_callback(field(), callback()), 0);
    ASSERT_EQ(async::start(field(), soon, 0), 0);
  };
  armed();
  EXPECT_EQ(async::cancel(field()), 1);
  EXPECT_EQ(async::cancel(field()), 0);
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL);  // cancelling lets the callback go
  armed();
  const u32 key = 2;
  const u8 value[kValueSize] = {};
  ASSERT_EQ(map_->update(&key, value, BPF_EXIST), 0);
  EXPECT_EQ(async::cancel(field()), -EINVAL);
  armed();
  if (GetParam() != BPF_MAP_TYPE_ARRAY) {
    ASSERT_EQ(map_->erase(&key), 0);
    ASSERT_EQ(map_->update(&key, value, BPF_ANY), 0);
    armed();
  }
  map_->user_unref();
  EXPECT_EQ(async::init(field(), *map_, btf::kFieldTimer, CLOCK_MONOTONIC), -EPERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_EQ(g_fired, 0u);
}

TEST_P(Timers, TheMapMayDieFirst) {
  ASSERT_EQ(async::init(field(), *map_, btf::kFieldTimer, CLOCK_MONOTONIC), 0);
  ASSERT_EQ(async::set_callback(field(), callback()), 0);
  ASSERT_EQ(async::start(field(), 10000000, 0), 0);
  std::weak_ptr<int> program = program_;
  program_.reset();
  EXPECT_FALSE(program.expired());  // the timer holds it
  map_.reset();
  for (int i = 0; i < 2000 && !program.expired(); i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(program.expired());
  EXPECT_EQ(g_fired, 0u);
}
INSTANTIATE_TEST_SUITE_P(Types, Timers,
                         testing::Values(BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH));

}  // namespace
}  // namespace osmia::maps
