// Ranges by address; parts that are unmapped are cut out. Every range counts as a writer of its map if it is
// writable.
#include "preload/library/mappings.h"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <iterator>
#include <map>
#include <mutex>
#include <variant>
#include <vector>

#include "base/bits.h"
#include "preload/library/state.h"
#include "syscall/fds.h"

#define OSMIA_EXPORT extern "C" __attribute__((visibility("default")))

using namespace osmia;

namespace {

constexpr u64 kPage = 4096;

// A mapping's hold on its map.
class Hold {
 public:
  Hold(maps::MapPtr map, bool writable) : map_(std::move(map)), writable_(writable) {
    if (writable_) map_->write_begin();
  }
  Hold(const Hold& other) : Hold(other.map_, other.writable_) {}
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (writable_) map_->write_end();
  }
  bool writable() const { return writable_; }

 private:
  maps::MapPtr map_;
  const bool writable_;
};
struct Range {
  u64 end;
  Hold hold;
};

class Mappings {
 public:
  static Mappings& instance() {
    static auto* m = new Mappings;  // the memory outlives static destructors
    return *m;
  }

  void add(u64 from, u64 length, const Hold& hold) {
    std::lock_guard lock(mutex_);
    ranges_.emplace(from, Range{from + length, hold});
    count_ = ranges_.size();
  }
  void cut(u64 from, u64 length) {
    if (!count_.load(std::memory_order_acquire)) return;
    std::vector<Range> gone;  // the last holder of a map lets it go behind the lock
    std::lock_guard lock(mutex_);
    const u64 to = from + align_up(length, kPage);
    for (auto it = first(from); it != ranges_.end() && it->first < to;) {
      const u64 begin = it->first;
      gone.push_back(it->second);
      it = ranges_.erase(it);
      const Range& old = gone.back();
      if (begin < from) ranges_.emplace(begin, Range{from, old.hold});
      if (old.end > to) ranges_.emplace(to, Range{old.end, old.hold});
    }
    count_ = ranges_.size();
  }
  // Of every range in [from, from + length).
  template <class Fn>
  bool any(u64 from, u64 length, Fn fn) {
    if (!count_.load(std::memory_order_acquire)) return false;
    std::lock_guard lock(mutex_);
    const u64 to = from + align_up(length ? length : 1, kPage);
    for (auto it = first(from); it != ranges_.end() && it->first < to; ++it)
      if (fn(it->second)) return true;
    return false;
  }

 private:
  std::map<u64, Range>::iterator first(u64 from) {
    auto it = ranges_.upper_bound(from);
    if (it != ranges_.begin() && std::prev(it)->second.end > from) --it;
    return it;
  }
  std::mutex mutex_;
  std::map<u64, Range> ranges_;  // by their begin, disjoint
  std::atomic<size_t> count_{0};
};

u64 address(const void* p) {
  return reinterpret_cast<u64>(p);
}

}  // namespace

namespace osmia::preload {

void note_mapping(void* at, size_t length, int protection, int flags, int fd) {
  if (at == MAP_FAILED) return;
  const syscall::Fd entry = fd >= 0 ? syscall::FdTable::instance().get(fd) : syscall::Fd{};
  const auto* map = std::get_if<maps::MapPtr>(&entry.object);
  if (flags & MAP_FIXED) Mappings::instance().cut(address(at), length);
  if (map)
    Mappings::instance().add(address(at), align_up(length, kPage), Hold(*map, protection & PROT_WRITE));
}

}  // namespace osmia::preload

OSMIA_EXPORT int munmap(void* at, size_t length) {
  const int r = preload::next<int (*)(void*, size_t)>("munmap")(at, length);
  if (!r) Mappings::instance().cut(address(at), length);
  return r;
}
OSMIA_EXPORT int mprotect(void* at, size_t length, int protection) {
  const auto refuses = [&](const Range& r) {
    return protection & PROT_EXEC || (protection & PROT_WRITE && !r.hold.writable());
  };
  if (protection & (PROT_WRITE | PROT_EXEC) && Mappings::instance().any(address(at), length, refuses))
    return errno = EACCES, -1;
  return preload::next<int (*)(void*, size_t, int)>("mprotect")(at, length, protection);
}
OSMIA_EXPORT void* mremap(void* at, size_t length, size_t wanted, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  void* const to = flags & MREMAP_FIXED ? va_arg(ap, void*) : nullptr;
  va_end(ap);
  std::vector<Hold> moved;
  Mappings::instance().any(address(at), length,
                           [&](const Range& r) { return moved.push_back(r.hold), true; });
  if (!moved.empty() && wanted > length) return errno = EFAULT, MAP_FAILED;
  void* const now =
      preload::next<void* (*)(void*, size_t, size_t, int, ...)>("mremap")(at, length, wanted, flags, to);
  if (now == MAP_FAILED) return now;
  Mappings::instance().cut(address(at), length);
  if (to) Mappings::instance().cut(address(now), wanted);
  if (!moved.empty()) Mappings::instance().add(address(now), align_up(wanted, kPage), moved[0]);
  return now;
}
