// Arrays whose elements are things of this machine that user space names by a descriptor: perf events and
// control groups. Programs ask by index, without taking a lock that user space holds for long.
#pragma once
#include <mutex>
#include <vector>

#include "maps/map.h"
#include "maps/perf_event.h"

namespace osmia::maps {

// Element rules of both: update by descriptor, no look-up, keys 0 … max_entries-1.
class ObjectArrayMap : public Map {
 public:
  using Map::Map;
  int lookup_user(const void*, void*, u64) override { return -kNotSupp; }
  int next_key(const void* key, void* next) override;
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override;
  s64 erase(const void* key) override;

 protected:
  virtual int put(u32 index, int fd, Descriptors& fds) = 0;
  virtual bool take(u32 index) = 0;  // false: the slot was empty
};

class CgroupArrayMap final : public ObjectArrayMap {
 public:
  explicit CgroupArrayMap(const MapAttr& a) : ObjectArrayMap(a), groups_(a.max_entries) {}
  u64 group_at(u32 index) const { return groups_[index].load(std::memory_order_acquire); }  // id, 0 = empty

 private:
  int put(u32 index, int fd, Descriptors&) override;
  bool take(u32 index) override { return groups_[index].exchange(0) != 0; }
  std::vector<std::atomic<u64>> groups_;
};

// A counter of the machine's: another descriptor for the event that user space gave.
class PerfCounter {
 public:
  explicit PerfCounter(int fd) : fd_(fd) {}
  ~PerfCounter();
  PerfCounter(const PerfCounter&) = delete;
  PerfCounter& operator=(const PerfCounter&) = delete;
  struct Value {
    u64 counter = 0, enabled = 0, running = 0;
  };
  s64 read(Value& out) const;  // 0 or -errno

 private:
  int fd_;
};

class PerfEventArrayMap final : public ObjectArrayMap {
 public:
  explicit PerfEventArrayMap(const MapAttr& a) : ObjectArrayMap(a), slots_(a.max_entries) {}
  struct Slot {
    std::shared_ptr<PerfEvent> output;
    std::shared_ptr<PerfCounter> counter;
    bool empty() const { return !output && !counter; }
  };
  Slot at(u32 index);
  // Without BPF_F_PRESERVE_ELEMS the elements go with the descriptor that they were stored by.
  void release_user_refs() override;

 private:
  int put(u32 index, int fd, Descriptors& fds) override;
  bool take(u32 index) override;
  std::mutex mutex_;
  std::vector<Slot> slots_;  // under mutex_
};

}  // namespace osmia::maps
