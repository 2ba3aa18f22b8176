// The kernel-to-user ring buffer as programs use it: records, and dynptrs over records.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/dynptr.h"
#include "interp/interp.h"
#include "maps/ring_buffer.h"

namespace osmia::helpers::code {
namespace {

u64 ret(s64 v) {
  return static_cast<u64>(v);
}
maps::RingBufferMap& ring_of(u64 map) {
  return static_cast<maps::RingBufferMap&>(*reinterpret_cast<maps::Map*>(map));
}
void* record(u64 r) {
  return reinterpret_cast<void*>(r);
}

u64 end_dynptr(u64 ptr, u64 flags, bool discard) {
  auto* d = reinterpret_cast<Dynptr*>(ptr);
  if (!d->data) return 0;
  maps::RingBufferMap::commit(record(d->data), flags, discard);
  *d = {};
  return 0;
}

}  // namespace

u64 ringbuf_output(u64 map, u64 data, u64 size, u64 flags, u64) {
  return ret(ring_of(map).output(record(data), size, flags));
}
u64 ringbuf_reserve(u64 map, u64 size, u64 flags, u64, u64) {
  return reinterpret_cast<u64>(ring_of(map).reserve(size, flags));
}
u64 ringbuf_submit(u64 sample, u64 flags, u64, u64, u64) {
  maps::RingBufferMap::commit(record(sample), flags, false);
  return 0;
}
u64 ringbuf_discard(u64 sample, u64 flags, u64, u64, u64) {
  maps::RingBufferMap::commit(record(sample), flags, true);
  return 0;
}
u64 ringbuf_query(u64 map, u64 what, u64, u64, u64) {
  return ring_of(map).query(what);
}

u64 ringbuf_reserve_dynptr(u64 map, u64 size, u64 flags, u64 ptr, u64) {
  auto* d = reinterpret_cast<Dynptr*>(ptr);
  const u32 n = static_cast<u32>(size);
  *d = {};
  if (flags) return ret(-EINVAL);
  if (n > kDynptrMax) return ret(-E2BIG);
  void* room = ring_of(map).reserve(n, 0);
  if (!room) return ret(-EINVAL);
  *d = {reinterpret_cast<u64>(room), n | kRingbuf << 28, 0};
  return 0;
}
u64 ringbuf_submit_dynptr(u64 ptr, u64 flags, u64, u64, u64) {
  return end_dynptr(ptr, flags, false);
}
u64 ringbuf_discard_dynptr(u64 ptr, u64 flags, u64, u64, u64) {
  return end_dynptr(ptr, flags, true);
}

u64 user_ringbuf_drain(u64 map, u64 callback, u64 ctx, u64 flags, u64) {
  auto& ring = static_cast<maps::UserRingBufferMap&>(*reinterpret_cast<maps::Map*>(map));
  return ret(ring.drain(
      [&](void* sample, u32 bytes) {
        Dynptr d{reinterpret_cast<u64>(sample), bytes | kLocal << 28, 0};
        return interp::invoke(callback, reinterpret_cast<u64>(&d), ctx);
      },
      flags));
}

}  // namespace osmia::helpers::code
