// ringbuf: see maps/ring_buffer.h.
#include "maps/ring_buffer.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;
constexpr u32 kBusy = BPF_RINGBUF_BUSY_BIT, kDiscard = BPF_RINGBUF_DISCARD_BIT, kHeader = BPF_RINGBUF_HDR_SZ;
constexpr u64 kMaxRecord = 0xffffffffu / 4;

struct RecordHeader {
  u32 length;       // with the busy and discard bits
  u32 page_offset;  // in pages, from the start of the buffer's own mapping to this record: how commit finds
                    // the buffer
};

u64 load_acquire(const u64* p) {
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

Status check(const MapAttr& a) {
  if (!only_flags(a, BPF_F_NUMA_NODE)) return bad("ringbuf: unknown map_flags");
  if (a.key_size || a.value_size || !a.max_entries || a.max_entries & (a.max_entries - 1) ||
      a.max_entries % 4096)
    return bad("ringbuf: max_entries must be a power of two and a multiple of the page size");
  return Ok{};
}

}  // namespace

Result<MapPtr> RingBufferMap::make(const MapAttr& a) {
  std::shared_ptr<RingBufferMap> m(new RingBufferMap(a));
  m->size_ = a.max_entries;
  m->mask_ = m->size_ - 1;
  OSMIA_ASSIGN(m->memory_, Region::make(2 * kPage + m->size_, true));
  // One page in front holds the map's own address, for commit(); then the shared pages, the data, the data
  // again.
  void* area =
      mmap(nullptr, 3 * kPage + 2 * m->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return Error{ENOMEM, "no address space for a ring buffer"};
  m->base_ = static_cast<u8*>(area) + kPage;
  *static_cast<RingBufferMap**>(area) = m.get();
  const int rw = PROT_READ | PROT_WRITE, how = MAP_SHARED | MAP_FIXED, fd = m->memory_.fd();
  if (mmap(m->base_, 2 * kPage + m->size_, rw, how, fd, 0) == MAP_FAILED ||
      mmap(m->base_ + 2 * kPage + m->size_, m->size_, rw, how, fd, 2 * kPage) == MAP_FAILED)
    return Error{ENOMEM, "no address space for a ring buffer"};
  m->event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (m->event_fd_ < 0) return Error{errno, "eventfd"};
  return MapPtr(std::move(m));
}

RingBufferMap::~RingBufferMap() {
  if (base_) munmap(base_ - kPage, 3 * kPage + 2 * size_);
  if (event_fd_ >= 0) close(event_fd_);
}

void* RingBufferMap::reserve(u64 size, u64 flags) {
  if (flags || size > kMaxRecord) return nullptr;
  const u64 need = align_up(size + kHeader, 8);
  if (need > size_) return nullptr;
  std::lock_guard lock(lock_);
  const u64 cons = load_acquire(consumer()), prod = *producer();
  if (prod + need - cons > size_) return nullptr;
  auto* h = reinterpret_cast<RecordHeader*>(data() + (prod & mask_));
  h->page_offset = static_cast<u32>((reinterpret_cast<u8*>(h) - (base_ - kPage)) / kPage);
  __atomic_store_n(&h->length, static_cast<u32>(size) | kBusy, __ATOMIC_RELAXED);
  __atomic_store_n(producer(), prod + need, __ATOMIC_RELEASE);
  return h + 1;
}

void RingBufferMap::commit(void* record, u64 flags, bool discard) {
  auto* h = static_cast<RecordHeader*>(record) - 1;
  u8* area = reinterpret_cast<u8*>((reinterpret_cast<u64>(h) & ~(kPage - 1)) - u64{h->page_offset} * kPage);
  auto* map = *reinterpret_cast<RingBufferMap**>(area);
  const u32 length = (__atomic_load_n(&h->length, __ATOMIC_RELAXED) & ~kBusy) | (discard ? kDiscard : 0);
  __atomic_exchange_n(&h->length, length, __ATOMIC_SEQ_CST);
  const u64 at = static_cast<u64>(reinterpret_cast<u8*>(h) - map->data());
  const bool caught_up = (load_acquire(map->consumer()) & map->mask_) == at;
  if (flags & BPF_RB_FORCE_WAKEUP || (caught_up && !(flags & BPF_RB_NO_WAKEUP))) {
    const u64 one = 1;
    [[maybe_unused]] const auto n =
        write(map->event_fd_, &one, sizeof one);  // a full counter is readable already
  }
}

s64 RingBufferMap::output(const void* from, u64 size, u64 flags) {
  if (flags & ~u64{BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP}) return -EINVAL;
  void* r = reserve(size, 0);
  if (!r) return -EAGAIN;
  std::memcpy(r, from, size);
  commit(r, flags, false);
  return 0;
}

u64 RingBufferMap::query(u64 what) const {
  switch (what) {
    case BPF_RB_AVAIL_DATA: return load_acquire(producer()) - load_acquire(consumer());
    case BPF_RB_RING_SIZE: return size_;
    case BPF_RB_CONS_POS: return load_acquire(consumer());
    case BPF_RB_PROD_POS: return load_acquire(producer());
    default: return 0;
  }
}

// User space may write the consumer's page alone; the data is mapped twice in a row here too.
Result<void*> RingBufferMap::map_memory(void* addr, u64 len, int prot, int flags, off_t off) {
  if (!(flags & MAP_SHARED)) return Error{EINVAL, "a map must be mapped MAP_SHARED"};
  const u64 at = static_cast<u64>(off), all = 2 * kPage + 2 * size_;
  if (prot & PROT_WRITE && (off || align_up(len, kPage) != kPage))
    return Error{EPERM, "only the consumer page is writable"};
  if (off < 0 || at % kPage || !len || at > all || len > all - at)
    return Error{EINVAL, "mapping reaches beyond the ring buffer"};
  const u64 once = 2 * kPage + size_;
  u8* p = static_cast<u8*>(mmap(addr, len, prot, flags, memory_.fd(), off));
  if (p == MAP_FAILED) return Error{errno, "mmap"};
  if (at + len > once) {
    const u64 skip = at < once ? once - at : 0;
    const u64 from = at < once ? 2 * kPage : at - size_;
    if (mmap(p + skip, len - skip, prot, MAP_SHARED | MAP_FIXED, memory_.fd(), static_cast<off_t>(from)) ==
        MAP_FAILED) {
      munmap(p, len);
      return Error{ENOMEM, "mmap"};
    }
  }
  return static_cast<void*>(p);
}

namespace {
const u32 kHelpers[] = {BPF_FUNC_ringbuf_output,        BPF_FUNC_ringbuf_reserve,
                        BPF_FUNC_ringbuf_query,         BPF_FUNC_ringbuf_reserve_dynptr,
                        BPF_FUNC_ringbuf_submit_dynptr, BPF_FUNC_ringbuf_discard_dynptr};
const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_RINGBUF,
             .name = "ringbuf",
             .btf_struct = "bpf_ringbuf_map",
             .traits = MapTrait::kMapKeyless | MapTrait::kMapRingbuf | MapTrait::kMapSleepableOk,
             .only_helpers = kHelpers,
             .unprivileged = true},
     .check = check,
     .create = RingBufferMap::make},
};
}  // namespace

std::span<const MapTypeEntry> def_ringbuf() {
  return kTypes;
}

}  // namespace osmia::maps
