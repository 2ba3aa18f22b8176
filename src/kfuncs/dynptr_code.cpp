// Dynptrs over a program's own memory and over ring buffer records. What lies in a packet is not reached:
// such dynptrs are not made here.
#include <cerrno>

#include "helpers/dynptr.h"
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
u64 dynptr_slice(u64 ptr, u64 offset, u64 /*buffer*/, u64 size, u64) {
  const Dynptr& d = at(ptr);
  const u32 n = static_cast<u32>(size), off = static_cast<u32>(offset);
  if (!d.data || n > bytes(d) || off > bytes(d) - n) return 0;
  const u32 kind = helpers::code::kind(d);
  return kind == helpers::code::kLocal || kind == helpers::code::kRingbuf ? d.data + d.offset + off : 0;
}
u64 dynptr_slice_rdwr(u64 ptr, u64 offset, u64 buffer, u64 size, u64 r5) {
  return at(ptr).data && !(at(ptr).size & kReadOnly) ? dynptr_slice(ptr, offset, buffer, size, r5) : 0;
}

}  // namespace osmia::kfuncs::code
