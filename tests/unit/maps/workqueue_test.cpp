// Work queues in map values, as their kfuncs use them: each start is one call back, off the caller's thread;
// what takes the value away ends that.
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "base/bits.h"
#include "host/run_context.h"
#include "maps/async.h"
#include "maps/map_type.h"
#include "rewrite/exec_program.h"

namespace osmia::maps {
namespace {

constexpr u32 kOffset = 8, kSize = 32;
std::atomic<u32> g_ran{0};
std::atomic<u64> g_key{0}, g_value{0};
std::atomic<std::thread::id> g_thread;
std::atomic<bool> g_hold{false};

u64 on_work(const rewrite::BpfCallback*, u64, u64 key, u64 value, u64, u64) {
  g_key = load_unaligned<u32>(reinterpret_cast<const void*>(key));
  g_value = value;
  g_thread = std::this_thread::get_id();
  g_ran++;
  while (g_hold) std::this_thread::yield();
  return 0;
}

class WorkQueues : public testing::TestWithParam<u32> {
 protected:
  void SetUp() override {
    g_ran = 0;
    g_hold = false;
    MapAttr a;
    a.type = GetParam(), a.key_size = 4, a.value_size = kSize, a.max_entries = 4;
    map_ = *create_map(a);
    auto record = std::make_shared<btf::FieldRecord>();
    btf::Field f;
    f.kind = btf::kFieldWorkqueue, f.offset = kOffset, f.size = 16;
    record->fields.push_back(f);
    record->mask = f.kind;
    record->wq_off = kOffset;
    map_->mutable_info().record = record;
    map_->user_ref();
    program_ = std::make_shared<int>(1);
    callback_.call = on_work;
    callback_.life = program_;
    const u8 value[kSize] = {1};
    ASSERT_EQ(map_->update(&key_, value, BPF_ANY), 0);
  }
  void* field() { return static_cast<u8*>(map_->lookup(&key_)) + kOffset; }
  void ready() {
    ASSERT_EQ(async::init(field(), *map_, btf::kFieldWorkqueue, 0), 0);
    ASSERT_EQ(async::set_callback(field(), reinterpret_cast<u64>(&callback_)), 0);
  }
  static bool ran(u32 count) {
    for (int i = 0; i < 10000 && g_ran < count; i++)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return g_ran >= count;
  }
  const u32 key_ = 3;
  MapPtr map_;
  std::shared_ptr<int> program_;
  rewrite::BpfCallback callback_;
};

TEST_P(WorkQueues, RunOffTheCallersThread) {
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL) << "not initialised";
  ready();
  EXPECT_EQ(async::init(field(), *map_, btf::kFieldWorkqueue, 0), -EBUSY);
  ASSERT_EQ(async::start(field(), 0, 0), 0);
  ASSERT_TRUE(ran(1));
  EXPECT_EQ(g_key, 3u);
  EXPECT_EQ(g_value, reinterpret_cast<u64>(field()) - kOffset);
  EXPECT_NE(g_thread.load(), std::this_thread::get_id());
  ASSERT_EQ(async::start(field(), 0, 0), 0);
  EXPECT_TRUE(ran(2));
}

TEST_P(WorkQueues, NoCallbackNoStart) {
  ASSERT_EQ(async::init(field(), *map_, btf::kFieldWorkqueue, 0), 0);
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL);
}

TEST_P(WorkQueues, AStartWhileItRunsRunsItAgain) {
  g_hold = true;
  ready();
  ASSERT_EQ(async::start(field(), 0, 0), 0);
  ASSERT_TRUE(ran(1));
  ASSERT_EQ(async::start(field(), 0, 0), 0);
  ASSERT_EQ(async::start(field(), 0, 0), 0) << "queued once";
  g_hold = false;
  ASSERT_TRUE(ran(2));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(g_ran, 2u);
}

TEST_P(WorkQueues, ClosingTheMapEndsThem) {
  ready();
  std::weak_ptr<int> program = program_;
  program_.reset();
  EXPECT_FALSE(program.expired());
  map_->user_unref();
  for (int i = 0; i < 10000 && !program.expired(); i++)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(program.expired());
  EXPECT_EQ(async::start(field(), 0, 0), -EINVAL);
  EXPECT_EQ(async::init(field(), *map_, btf::kFieldWorkqueue, 0), -EPERM);
  EXPECT_EQ(g_ran, 0u);
}

TEST_P(WorkQueues, TheMapMayGoWhileOneRuns) {
  g_hold = true;
  ready();
  ASSERT_EQ(async::start(field(), 0, 0), 0);
  ASSERT_TRUE(ran(1));
  std::weak_ptr<Map> map = map_;
  map_.reset();
  EXPECT_FALSE(map.expired()) << "the callback uses it";
  g_hold = false;
  for (int i = 0; i < 10000 && !map.expired(); i++) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(map.expired());
}

INSTANTIATE_TEST_SUITE_P(Types, WorkQueues,
                         testing::Values(BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_LRU_HASH));

}  // namespace
}  // namespace osmia::maps
