// An edge on an eventfd is what wakes epoll: a write makes one for readers, a read one for writers.
#include "maps/ring_area.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/bits.h"

namespace osmia::maps {

Status RingArea::init(u64 bytes, void* owner) {
  mask_ = bytes - 1;
  OSMIA_ASSIGN(memory_, Region::make(2 * kPage + bytes, true));
  void* area =
      mmap(nullptr, 3 * kPage + 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return Error{ENOMEM, "no address space for a ring buffer"};
  base_ = static_cast<u8*>(area) + kPage;
  *static_cast<void**>(area) = owner;
  const int rw = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_FIXED, fd = memory_.fd();
  if (mmap(base_, 2 * kPage + bytes, rw, how, fd, 0) == MAP_FAILED ||
      mmap(base_ + 2 * kPage + bytes, bytes, rw, how, fd, 2 * kPage) == MAP_FAILED)
    return Error{ENOMEM, "no address space for a ring buffer"};
  event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (event_fd_ < 0) return Error{errno, "eventfd"};
  return Ok{};
}

RingArea::~RingArea() {
  if (base_) munmap(base_ - kPage, 3 * kPage + 2 * size());
  if (event_fd_ >= 0) close(event_fd_);
}

Result<void*> RingArea::map(void* addr, u64 len, int prot, int flags, off_t off, u64 writable_from,
                            u64 writable_to) const {
  if (!(flags & MAP_SHARED)) return Error{EINVAL, "a map must be mapped MAP_SHARED"};
  const u64 at = static_cast<u64>(off), all = 2 * kPage + 2 * size(), once = 2 * kPage + size();
  if (prot & PROT_WRITE && (at < writable_from || at + align_up(len, kPage) > writable_to))
    return Error{EPERM, "these pages of a ring buffer are read-only"};
  if (off < 0 || at % kPage || !len || at > all || len > all - at)
    return Error{EINVAL, "mapping reaches beyond the ring buffer"};
  u8* p = static_cast<u8*>(map_for_user(addr, len, prot, flags, memory_.fd(),
                                        at >= once ? off - static_cast<off_t>(size()) : off));
  if (p == MAP_FAILED) return Error{errno, "mmap"};
  if (at < once && at + len > once) {
    const u64 skip = once - at;
    if (map_for_user(p + skip, len - skip, prot, MAP_SHARED | MAP_FIXED, memory_.fd(), 2 * kPage) ==
        MAP_FAILED) {
      munmap(p, len);
      return Error{ENOMEM, "mmap"};
    }
  }
  return static_cast<void*>(p);
}

void RingArea::wake_readers() const {
  const u64 one = 1;
  [[maybe_unused]] const auto n = write(event_fd_, &one, sizeof one);  // a full counter is readable already
}

void RingArea::wake_writers() const {
  u64 count;
  wake_readers();
  [[maybe_unused]] const auto n = read(event_fd_, &count, sizeof count);
}

void RingArea::quiet_readers() const {
  u64 count;
  [[maybe_unused]] const auto n = read(event_fd_, &count, sizeof count);
}

void RingArea::quiet_writers() const {
  const u64 all = ~u64{0} - 1;  // the counter's end
  quiet_readers();
  [[maybe_unused]] const auto n = write(event_fd_, &all, sizeof all);
}

}  // namespace osmia::maps
