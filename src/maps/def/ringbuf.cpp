// ringbuf and user_ringbuf: see maps/ring_buffer.h.
#include "base/bits.h"
#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/ring_buffer.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;
constexpr u32 kBusy = BPF_RINGBUF_BUSY_BIT, kDiscard = BPF_RINGBUF_DISCARD_BIT, kHeader = BPF_RINGBUF_HDR_SZ;
constexpr u64 kMaxRecord = 0xffffffffu / 4;
constexpr u32 kMaxSamples = 128 * 1024;  // BPF_MAX_USER_RINGBUF_SAMPLES
constexpr u32 kDynptrMax = (1u << 24) - 1;

struct RecordHeader {
  u32 length;       // with the busy and discard bits
  u32 page_offset;  // how commit finds the buffer
};

u64 load_acquire(const u64* p) {
  return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
u64 record_bytes(u32 length) {
  return align_up(u64{length & ~kDiscard} + kHeader, 8);
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
  OSMIA_TRY(m->area_.init(a.max_entries, m.get()));
  return MapPtr(std::move(m));
}

void* RingBufferMap::reserve(u64 size, u64 flags) {
  if (flags || size > kMaxRecord) return nullptr;
  const u64 need = align_up(size + kHeader, 8), mask = area_.mask();
  if (need > mask + 1) return nullptr;
  const u64 consumed = load_acquire(area_.consumer());
  std::lock_guard guard(lock_);
  const u64 at = *area_.producer();
  u64 pending = pending_;
  while (pending < at) {
    const auto* h = reinterpret_cast<const RecordHeader*>(area_.data() + (pending & mask));
    const u32 length = __atomic_load_n(&h->length, __ATOMIC_ACQUIRE);  // whoever wrote that record is done
    if (length & kBusy) break;
    pending += record_bytes(length);
  }
  pending_ = pending;
  if (at + need - consumed > mask || at + need - pending > mask) return nullptr;
  auto* h = reinterpret_cast<RecordHeader*>(area_.data() + (at & mask));
  h->page_offset = area_.page_offset(h);
  __atomic_store_n(&h->length, static_cast<u32>(size) | kBusy, __ATOMIC_RELAXED);
  __atomic_store_n(area_.producer(), at + need, __ATOMIC_RELEASE);
  return h + 1;
}

void RingBufferMap::commit(void* record, u64 flags, bool discard) {
  auto* h = static_cast<RecordHeader*>(record) - 1;
  const RingArea& area = static_cast<RingBufferMap*>(RingArea::owner_of(h, h->page_offset))->area_;
  const u32 length = (__atomic_load_n(&h->length, __ATOMIC_RELAXED) & ~kBusy) | (discard ? kDiscard : 0);
  // A full barrier: the consumer that does not see this record must be seen to have come up to it.
  __atomic_exchange_n(&h->length, length, __ATOMIC_SEQ_CST);
  const u64 at = static_cast<u64>(reinterpret_cast<u8*>(h) - area.data());
  const bool caught_up = (load_acquire(area.consumer()) & area.mask()) == at;
  if (flags & BPF_RB_FORCE_WAKEUP || (caught_up && !(flags & BPF_RB_NO_WAKEUP))) area.wake_readers();
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
    case BPF_RB_AVAIL_DATA: return load_acquire(area_.producer()) - load_acquire(area_.consumer());
    case BPF_RB_RING_SIZE: return area_.size();
    case BPF_RB_CONS_POS: return load_acquire(area_.consumer());
    case BPF_RB_PROD_POS: return load_acquire(area_.producer());
    default: return 0;
  }
}

void RingBufferMap::settle(bool with_data) const {
  if (!query(BPF_RB_AVAIL_DATA)) {
    area_.quiet_readers();
    // A record that came meanwhile may have signalled just before.
    if (query(BPF_RB_AVAIL_DATA)) area_.wake_readers();
  } else if (with_data) {
    area_.wake_readers();
  }
}

// User space may write the consumer's page alone.
Result<void*> RingBufferMap::map_memory(void* addr, u64 len, int prot, int flags, off_t off) {
  return area_.map(addr, len, prot, flags, off, 0, RingArea::kPage);
}

Result<MapPtr> UserRingBufferMap::make(const MapAttr& a) {
  std::shared_ptr<UserRingBufferMap> m(new UserRingBufferMap(a));
  OSMIA_TRY(m->area_.init(a.max_entries, m.get()));
  return MapPtr(std::move(m));
}

// User space may write all but the consumer's page.
Result<void*> UserRingBufferMap::map_memory(void* addr, u64 len, int prot, int flags, off_t off) {
  return area_.map(addr, len, prot, flags, off, RingArea::kPage, ~u64{0});
}

// The next sample; -ENODATA: none, -EAGAIN: one was skipped, -EINVAL, -E2BIG: what user space says is not
// possible.
int UserRingBufferMap::peek(void** sample, u32* bytes) {
  const u64 produced = load_acquire(area_.producer());
  if (produced % 8) return -EINVAL;
  const u64 at = load_acquire(area_.consumer());
  if (at >= produced) return -ENODATA;
  const u32 word =
      __atomic_load_n(reinterpret_cast<const u32*>(area_.data() + (at & area_.mask())), __ATOMIC_ACQUIRE);
  const u32 length = word & ~(kBusy | kDiscard);
  const u64 whole = record_bytes(length);
  if (whole > produced - at) return -EINVAL;
  if (whole > area_.size() || length > kDynptrMax) return -E2BIG;
  if (word & kDiscard) {
    __atomic_store_n(area_.consumer(), at + whole, __ATOMIC_RELEASE);
    return -EAGAIN;
  }
  if (word & kBusy) return -ENODATA;
  *sample = area_.data() + ((at + kHeader) & area_.mask());
  *bytes = length;
  return 0;
}

s64 UserRingBufferMap::drain(FnRef<u64(void*, u32)> fn, u64 flags) {
  if (flags & ~u64{BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP}) return -EINVAL;
  if (busy_.exchange(true, std::memory_order_acquire)) return -EBUSY;
  s64 visited = 0, taken = 0, err = 0;
  for (u64 stop = 0; visited < kMaxSamples && !stop; visited++) {
    void* sample;
    u32 bytes;
    const int e = peek(&sample, &bytes);
    if (e == -ENODATA) break;
    if (e == -EAGAIN) continue;
    if (e) {
      err = e;
      break;
    }
    stop = fn(sample, bytes);
    taken++;
    __atomic_store_n(area_.consumer(), *area_.consumer() + record_bytes(bytes), __ATOMIC_RELEASE);
  }
  busy_.store(false, std::memory_order_release);
  if (flags & BPF_RB_FORCE_WAKEUP || (!(flags & BPF_RB_NO_WAKEUP) && visited)) area_.wake_writers();
  return err ? err : taken;
}

void UserRingBufferMap::settle() const {
  const auto full = [&] {
    return load_acquire(area_.producer()) - load_acquire(area_.consumer()) >= area_.size();
  };
  if (!full()) return area_.quiet_readers();  // a counter below its end is writable
  area_.quiet_writers();
  if (!full()) area_.quiet_readers();  // drained meanwhile
}

namespace {
const u32 kHelpers[] = {BPF_FUNC_ringbuf_output,        BPF_FUNC_ringbuf_reserve,
                        BPF_FUNC_ringbuf_query,         BPF_FUNC_ringbuf_reserve_dynptr,
                        BPF_FUNC_ringbuf_submit_dynptr, BPF_FUNC_ringbuf_discard_dynptr};
const u32 kUserHelpers[] = {BPF_FUNC_user_ringbuf_drain};
const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_RINGBUF,
             .name = "ringbuf",
             .btf_struct = "bpf_ringbuf_map",
             .traits = MapTrait::kMapKeyless | MapTrait::kMapRingbuf | MapTrait::kMapSleepableOk,
             .only_helpers = kHelpers,
             .unprivileged = true},
     .check = check,
     .create = RingBufferMap::make},
    {.def = {.type = BPF_MAP_TYPE_USER_RINGBUF,
             .name = "user_ringbuf",
             .btf_struct = "bpf_ringbuf_map",
             .traits = MapTrait::kMapKeyless | MapTrait::kMapSleepableOk,
             .only_helpers = kUserHelpers,
             .unprivileged = true},
     .check = check,
     .create = UserRingBufferMap::make},
};
}  // namespace

std::span<const MapTypeEntry> def_ringbuf() {
  return kTypes;
}

}  // namespace osmia::maps
