// Dynptrs over a program's own memory and over ring buffer records. What lies in a packet is not reached:
// such dynptrs are not made here.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/dynptr.h"
#include "host/packet.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

using helpers::code::bytes;
using helpers::code::Dynptr;
using helpers::code::kDynptrMax;
using helpers::code::kReadOnly;

u64 error(int code) {
  return static_cast<u64>(static_cast<s64>(-code));
}
Dynptr& at(u64 p) {
  return *reinterpret_cast<Dynptr*>(p);
}

}  // namespace

u64 dynptr_adjust(u64 ptr, u64 start, u64 end, u64, u64) {
  Dynptr& d = at(ptr);
  const u32 first = static_cast<u32>(start), last = static_cast<u32>(end), size = bytes(d);
  if (!d.data || first > last) return error(EINVAL);
  if (first > size || last > size) return error(ERANGE);
  d.offset += first;
  d.size = (d.size & ~kDynptrMax) | (last - first);
  return 0;
}
u64 dynptr_clone(u64 ptr, u64 out, u64, u64, u64) {
  const Dynptr& d = at(ptr);
  at(out) = d.data ? d : Dynptr{};
  return d.data ? 0 : error(EINVAL);
}
u64 dynptr_is_null(u64 ptr, u64, u64, u64, u64) {
  return !at(ptr).data;
}
u64 dynptr_is_rdonly(u64 ptr, u64, u64, u64, u64) {
  const Dynptr& d = at(ptr);
  return d.data && d.size & kReadOnly;
}
u64 dynptr_size(u64 ptr, u64, u64, u64, u64) {
  const Dynptr& d = at(ptr);
  return d.data ? bytes(d) : error(EINVAL);
}
// A pointer to the bytes themselves where they lie in one piece, else to the caller's copy of them.
u64 dynptr_slice(u64 ptr, u64 offset, u64 buffer, u64 size, u64) {
  const Dynptr& d = at(ptr);
  const u32 n = static_cast<u32>(size), off = static_cast<u32>(offset);
  if (!d.data || n > bytes(d) || off > bytes(d) - n) return 0;
  const u64 from = u64{d.offset} + off;
  switch (helpers::code::kind(d)) {
    case helpers::code::kLocal:
    case helpers::code::kRingbuf: return d.data + from;
    case helpers::code::kSkb: {
      const auto* s = reinterpret_cast<const host::SkbContext*>(d.data);
      return from + n <= s->len ? s->data + from : 0;
    }
    case helpers::code::kXdp: {
      const auto* x = reinterpret_cast<const host::XdpContext*>(d.data);
      if (from + n <= x->data_end - x->data) return x->data + from;
      return buffer && !helpers::code::xdp_load_bytes(d.data, from, buffer, n, 0) ? buffer : 0;
    }
    default: return 0;
  }
}
u64 dynptr_slice_rdwr(u64 ptr, u64 offset, u64 buffer, u64 size, u64 r5) {
  return at(ptr).data && !(at(ptr).size & kReadOnly) ? dynptr_slice(ptr, offset, buffer, size, r5) : 0;
}

}  // namespace osmia::kfuncs::code
