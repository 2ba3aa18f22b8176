// The two ring buffers: records of an 8-byte header and data. Layout of the shared pages as in Linux's UAPI.
// Programs to user space: producers order themselves by one lock; a record becomes visible when its busy bit
// goes, whoever commits first; no record reaches over one that is not committed yet, whatever user space
// writes into the consumer's position. User space to programs: one drains at a time, and believes nothing it
// reads.
#pragma once
#include <atomic>

#include "maps/fn_ref.h"
#include "maps/map.h"
#include "maps/ring_area.h"
#include "maps/spin_lock.h"

namespace osmia::maps {

class RingBufferMap final : public Map {
 public:
  static Result<MapPtr> make(const MapAttr& a);

  // Room for `size` bytes, or null (full, or larger than the ring). flags must be 0.
  void* reserve(u64 size, u64 flags);
  // Ends a reservation. flags: BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP.
  static void commit(void* record, u64 flags, bool discard);
  s64 output(const void* data, u64 size, u64 flags);  // 0, -EINVAL, -EAGAIN
  u64 query(u64 what) const;                          // BPF_RB_*
  // The consumer moves on in shared memory without a word: before somebody waits for poll_fd(), this takes
  // back a signal whose records are consumed. with_data: also signals what nobody was woken for, as poll(2),
  // which looks at the ring itself, would find it.
  void settle(bool with_data) const;

  int lookup_user(const void*, void*, u64) override { return -kNotSupp; }
  s64 update(const void*, const void*, u64) override { return -kNotSupp; }
  s64 erase(const void*) override { return -kNotSupp; }
  int next_key(const void*, void*) override { return -kNotSupp; }
  Result<void*> map_memory(void* addr, u64 len, int prot, int flags, off_t off) override;
  int poll_fd() const override { return area_.event_fd(); }

 private:
  explicit RingBufferMap(const MapAttr& a) : Map(a) {}
  RingArea area_;
  SpinLock lock_;
  u64 pending_ = 0;  // under lock_: position of the oldest record that may not be committed
};

class UserRingBufferMap final : public Map {
 public:
  static Result<MapPtr> make(const MapAttr& a);

  // Calls fn(sample, bytes) for what user space has submitted, until it returns non-zero. Gives the number of
  // samples, or -EINVAL, -E2BIG, -EBUSY (another drain is going on). flags: BPF_RB_*_WAKEUP.
  s64 drain(FnRef<u64(void* sample, u32 bytes)> fn, u64 flags);
  // Before somebody waits for poll_fd(): writable unless the ring is full.
  void settle() const;

  int lookup_user(const void*, void*, u64) override { return -kNotSupp; }
  s64 update(const void*, const void*, u64) override { return -kNotSupp; }
  s64 erase(const void*) override { return -kNotSupp; }
  int next_key(const void*, void*) override { return -kNotSupp; }
  Result<void*> map_memory(void* addr, u64 len, int prot, int flags, off_t off) override;
  int poll_fd() const override { return area_.event_fd(); }

 private:
  explicit UserRingBufferMap(const MapAttr& a) : Map(a) {}
  int peek(void** sample, u32* bytes);
  RingArea area_;
  std::atomic<bool> busy_{false};
};

}  // namespace osmia::maps
