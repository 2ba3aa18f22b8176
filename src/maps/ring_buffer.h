// The kernel-to-user ring buffer: records of an 8-byte header and data, in a ring that is mapped twice in a
// row so that no record ever wraps. Layout of the shared pages as in Linux's UAPI: consumer position,
// producer position, data. Producers order themselves by one lock; a record becomes visible when its busy bit
// goes, whoever commits first.
#pragma once
#include "maps/map.h"
#include "maps/region.h"
#include "maps/spin_lock.h"

namespace osmia::maps {

class RingBufferMap final : public Map {
 public:
  static Result<MapPtr> make(const MapAttr& a);
  ~RingBufferMap() override;

  // Room for `size` bytes, or null (full, or larger than the ring). flags must be 0.
  void* reserve(u64 size, u64 flags);
  // Ends a reservation. flags: BPF_RB_NO_WAKEUP, BPF_RB_FORCE_WAKEUP.
  static void commit(void* record, u64 flags, bool discard);
  s64 output(const void* data, u64 size, u64 flags);  // 0, -EINVAL, -EAGAIN
  u64 query(u64 what) const;                          // BPF_RB_*

  int lookup_user(const void*, void*, u64) override { return -kNotSupp; }
  s64 update(const void*, const void*, u64) override { return -kNotSupp; }
  s64 erase(const void*) override { return -kNotSupp; }
  int next_key(const void*, void*) override { return -kNotSupp; }
  Result<void*> map_memory(void* addr, u64 len, int prot, int flags, off_t off) override;
  int poll_fd() const override { return event_fd_; }

 private:
  explicit RingBufferMap(const MapAttr& a) : Map(a) {}
  u64* consumer() const { return reinterpret_cast<u64*>(base_); }
  u64* producer() const { return reinterpret_cast<u64*>(base_ + kPage); }
  u8* data() const { return base_ + 2 * kPage; }
  static constexpr u64 kPage = 4096;
  Region memory_;       // the file: two pages and the data
  u8* base_ = nullptr;  // this process's own mapping, data twice
  u64 size_ = 0, mask_ = 0;
  int event_fd_ = -1;
  SpinLock lock_;
};

}  // namespace osmia::maps
