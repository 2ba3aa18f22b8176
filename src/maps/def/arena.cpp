// arena: memory that a program and user space share, page by page. A memory file holds the pages; it is
// mapped into the program's window and wherever user space maps the map. Invariants: a page is there if and
// only if the file has data for it, so pages that user space faults in need no bookkeeping; `pages` only
// remembers what was seen. A page of the window can be touched only if its bit in `pages` is set: machine
// code touches pages without looking, and what faults is not there (or was not seen yet: find_page()).
#include "maps/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/bits.h"
#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/region.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::kArenaGuard;
using contract::kArenaPage;
using contract::kArenaWindow;
using contract::MapTrait;

Status check_arena(const MapAttr& a) {
  if (a.key_size || a.value_size || !a.max_entries)
    return bad("arena: key_size 0, value_size 0, max_entries > 0");
  if (!(a.map_flags & BPF_F_MMAPABLE) ||
      !only_flags(a, BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV))
    return bad("arena: map_flags must have BPF_F_MMAPABLE");
  if (a.map_extra & (kArenaPage - 1)) return bad("arena: map_extra must be page-aligned");
  const u64 range = u64{a.max_entries} * kArenaPage;
  if (range > kArenaWindow) return Error{E2BIG, "arena: larger than 4 GiB"};
  if (a.map_extra >> 32 != (a.map_extra + range - 1) >> 32)
    return Error{ERANGE, "arena: crosses a 4 GiB boundary"};
  if (a.map_flags & BPF_F_SEGV_ON_FAULT)
    return Error{EOPNOTSUPP, "not supported yet: arenas with BPF_F_SEGV_ON_FAULT"};
  return Ok{};
}

class PagedArena final : public ArenaMap {
 public:
  explicit PagedArena(const MapAttr& a) : ArenaMap(a), size_(u64{a.max_entries} * kArenaPage) {
    space_.no_user_conv = a.map_flags & BPF_F_NO_USER_CONV;
    space_.find_page = [](const contract::ArenaSpace& s, u64 page) {
      return static_cast<const Space&>(s).owner->find_page(page);
    };
    space_.owner = this;
    info_.code.arena = &space_;
    info_.type_specific_direct_error = 0;
    info_.direct_value_range_error = ERANGE;
  }
  ~PagedArena() override {
    if (reserved_ != MAP_FAILED) munmap(reserved_, kArenaWindow + 2 * kArenaGuard);
    if (fd_ >= 0) close(fd_);
  }

  Status init() {
    fd_ = memfd_create("bpf-arena", MFD_CLOEXEC);
    if (fd_ < 0) return Error{errno == EMFILE || errno == ENFILE ? errno : ENOMEM, "no file for an arena"};
    reserved_ = mmap(nullptr, kArenaWindow + 2 * kArenaGuard, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved_ == MAP_FAILED) return Error{ENOMEM, "no address space for an arena"};
    space_.base = static_cast<u8*>(reserved_) + kArenaGuard;
    OSMIA_TRY(grow(size_));
    if (info_.map_extra) return place(info_.map_extra, size_);
    return Ok{};
  }

  int lookup_user(const void*, void*, u64) override { return -EINVAL; }
  int mmap_fd() const override { return fd_; }
  u64 mmap_size() const override { return size_; }

  // Every mapping has the same size and, once there is one, the same address.
  Result<void*> map_memory(void* addr, u64 len, int prot, int flags, off_t off) override {
    len = align_up(len, kArenaPage);
    if (off) return bad("an arena is mapped from its beginning");
    if (len > kArenaWindow) return Error{E2BIG, "arena: mapping larger than 4 GiB"};
    std::lock_guard lock(mutex_);
    const u64 wanted = reinterpret_cast<u64>(addr), placed = space_.user_end - space_.user_start;
    const bool fixed_range = space_.user_start != 0;
    if (fixed_range) {
      if (len > placed) return Error{E2BIG, "arena: mapping larger than the arena"};
      if (len != placed || wanted != space_.user_start)
        return bad("arena: expected its own address and its whole size");
    }
    if (!(flags & MAP_SHARED)) return bad("a map must be mapped MAP_SHARED");
    if (prot & PROT_WRITE && info_.frozen) return Error{EPERM, "the map is frozen"};
    if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
      if (fixed_range) {
        flags |= MAP_FIXED_NOREPLACE;
      } else {
        OSMIA_ASSIGN(addr, free_range(len));
        flags |= MAP_FIXED_NOREPLACE;
      }
    } else if (wanted >> 32 != (wanted + len - 1) >> 32) {
      return bad("arena: the mapping would cross a 4 GiB boundary");
    }
    if (!fixed_range) OSMIA_TRY(grow(len));
    void* p = mmap(addr, len, prot & ~PROT_EXEC, flags, fd_, 0);
    if (p == MAP_FAILED) return Error{errno == EEXIST ? EBUSY : errno, "arena: mmap"};
    madvise(p, len, MADV_DONTFORK);
    if (!fixed_range) OSMIA_TRY(place(reinterpret_cast<u64>(p), len));
    return p;
  }

  u64 alloc_pages(u64 at, u32 pages, s32 node) override {
    const u64 most = (space_.user_end - space_.user_start) / kArenaPage;
    if ((node != -1 && node != 0) || pages > most) return 0;
    std::lock_guard lock(mutex_);
    u64 page = 0;
    if (at) {
      if (at % kArenaPage) return 0;
      page = page_of(at);
      if (page > most - pages || next_data(page) < page + pages) return 0;
    } else if (!find_room(pages, most, &page)) {
      return 0;
    }
    if (fallocate(fd_, 0, static_cast<off_t>(page * kArenaPage), static_cast<off_t>(pages * kArenaPage)))
      return 0;
    if (!open_window(page, pages, true)) return 0;
    for (u64 i = page; i < page + pages; i++) {
      // Touched once, or the file still calls the page a hole.
      __atomic_fetch_or(window(i), u8{0}, __ATOMIC_RELAXED);
      space_.pages[i / 64].fetch_or(1ull << i % 64, std::memory_order_release);
    }
    return (space_.user_start >> 32 << 32) + static_cast<u32>(space_.user_start + page * kArenaPage);
  }

  void free_pages(u64 at, u32 pages) override {
    const u64 begin = (space_.user_start >> 32 << 32) + (static_cast<u32>(at) & ~(kArenaPage - 1));
    const u64 end = std::min(space_.user_end, begin + u64{pages} * kArenaPage);
    if (begin < space_.user_start || begin >= end) return;
    std::lock_guard lock(mutex_);
    const u64 page = page_of(begin), count = (end - begin) / kArenaPage;
    for (u64 i = page; i < page + count; i++)
      space_.pages[i / 64].fetch_and(~(1ull << i % 64), std::memory_order_release);
    open_window(page, count, false);
    fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(page * kArenaPage),
              static_cast<off_t>(count * kArenaPage));
  }

 private:
  struct Space : contract::ArenaSpace {
    PagedArena* owner = nullptr;
  };

  u64 page_of(u64 user) const {
    return static_cast<u32>(user - static_cast<u32>(space_.user_start)) / kArenaPage;
  }
  u8* window(u64 page) const { return space_.base + static_cast<u32>(space_.user_start) + page * kArenaPage; }
  bool open_window(u64 page, u64 count, bool open) {
    return !mprotect(window(page), count * kArenaPage, open ? PROT_READ | PROT_WRITE : PROT_NONE);
  }
  // First page from `page` on that is there; the number of pages if none is.
  u64 next_data(u64 page) const {
    const off_t at = lseek(fd_, static_cast<off_t>(page * kArenaPage), SEEK_DATA);
    return at < 0 ? size_ / kArenaPage : static_cast<u64>(at) / kArenaPage;
  }
  bool find_room(u64 pages, u64 most, u64* out) const {
    for (u64 page = 0; page + pages <= most;) {
      const off_t hole = lseek(fd_, static_cast<off_t>(page * kArenaPage), SEEK_HOLE);
      if (hole < 0) return false;
      *out = static_cast<u64>(hole) / kArenaPage;
      if (*out + pages > most) return false;
      page = next_data(*out);
      if (page - *out >= pages) return true;
    }
    return false;
  }
  // Also called where machine code faulted, in the signal's handler: no lock of this map is held there.
  bool find_page(u64 page) {
    std::lock_guard lock(mutex_);
    if (next_data(page) != page || !open_window(page, 1, true)) return false;
    space_.pages[page / 64].fetch_or(1ull << page % 64, std::memory_order_release);
    return true;
  }
  // Address space for `len` bytes inside one 4 GiB block.
  static Result<void*> free_range(u64 len) {
    void* p = mmap(nullptr, 2 * len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return Error{ENOMEM, "no address space for an arena"};
    u64 at = reinterpret_cast<u64>(p);
    munmap(p, 2 * len);
    if (at >> 32 != (at + len - 1) >> 32) at = align_up(at, kArenaWindow);
    return reinterpret_cast<void*>(at);
  }
  // The first mapping may be larger than max_entries.
  Status grow(u64 len) {
    if (bits_.data() && len <= size_) return Ok{};
    OSMIA_ASSIGN(bits_, Region::make(len / kArenaPage / 8 + 8));
    if (ftruncate(fd_, static_cast<off_t>(len)) < 0) return Error{ENOMEM, "no memory file for an arena"};
    space_.pages = reinterpret_cast<std::atomic<u64>*>(bits_.data());
    size_ = len;
    return Ok{};
  }
  // User space sees the arena at `start`: the program's window shows the file there, too.
  Status place(u64 start, u64 len) {
    u8* window = space_.base + static_cast<u32>(start);
    if (mmap(window, std::min(len, size_), PROT_NONE, MAP_SHARED | MAP_FIXED, fd_, 0) == MAP_FAILED)
      return Error{ENOMEM, "no memory for an arena's window"};
    space_.user_start = start;
    space_.user_end = start + len;
    info_.user_vm_start = start;
    info_.value_base = start;
    info_.value_len = len + 1;  // its end may be named, too
    return Ok{};
  }

  u64 size_;
  int fd_ = -1;
  void* reserved_ = MAP_FAILED;
  Region bits_;
  Space space_;
  std::mutex mutex_;
};

Result<MapPtr> create_arena(const MapAttr& a) {
  auto map = std::make_shared<PagedArena>(a);
  OSMIA_TRY(map->init());
  return MapPtr(std::move(map));
}
int accept_btf(const Map&, const btf::Btf&, btf::TypeView, btf::TypeView) {
  return 0;
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_ARENA,
             .name = "arena",
             .btf_struct = "bpf_arena",
             .traits = MapTrait::kMapIsArena | MapTrait::kMapDirectValue | MapTrait::kMapSleepableOk},
     .check = check_arena,
     .create = create_arena,
     .check_btf = accept_btf,
     .capability = Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_arena() {
  return kTypes;
}

}  // namespace osmia::maps
