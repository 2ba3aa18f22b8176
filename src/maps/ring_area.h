// The memory of a ring buffer, either direction: a file of a consumer page, a producer page and the data,
// mapped with the data twice in a row so that no record ever wraps, here and wherever user space maps it. One
// private page in front holds the owner's address. Also the eventfd through which user space waits.
#pragma once
#include <linux/bpf.h>

#include "maps/region.h"

namespace osmia::maps {

class RingArea {
 public:
  static constexpr u64 kPage = 4096;

  RingArea() = default;
  RingArea(const RingArea&) = delete;
  RingArea& operator=(const RingArea&) = delete;
  ~RingArea();
  Status init(u64 bytes, void* owner);  // once; bytes: a power of two, whole pages

  u64* consumer() const { return reinterpret_cast<u64*>(base_); }
  u64* producer() const { return reinterpret_cast<u64*>(base_ + kPage); }
  u8* data() const { return base_ + 2 * kPage; }
  u64 size() const { return mask_ + 1; }
  u64 mask() const { return mask_; }
  int event_fd() const { return event_fd_; }

  // Pages from the owner's page to this address, and back from such an address to the owner.
  u32 page_offset(const void* p) const {
    return static_cast<u32>((static_cast<const u8*>(p) - (base_ - kPage)) / kPage);
  }
  static void* owner_of(void* p, u32 page_offset) {
    return *reinterpret_cast<void**>((reinterpret_cast<u64>(p) & ~(kPage - 1)) - u64{page_offset} * kPage);
  }

  // mmap(2) of the map's descriptor. writable_from: the first writable byte; up to writable_to.
  Result<void*> map(void* addr, u64 len, int prot, int flags, off_t off, u64 writable_from,
                    u64 writable_to) const;
  void wake_readers() const;  // EPOLLIN on event_fd()
  void wake_writers() const;  // EPOLLOUT
  // The levels themselves, for who is about to wait: no longer readable; no longer writable.
  void quiet_readers() const;
  void quiet_writers() const;

 private:
  Region memory_;
  u8* base_ = nullptr;
  u64 mask_ = 0;
  int event_fd_ = -1;
};

}  // namespace osmia::maps
