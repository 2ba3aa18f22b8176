// Dynptrs over a program's own memory, ring buffer records and packets. A slice of a packet is the packet's
// own bytes where they lie in one piece, else a copy in the program's buffer.
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

u64 from_packet(u64 result, u64 context, u32 size, u32 kind, u64 flags) {
  at(result) = flags ? Dynptr{} : Dynptr{context, size | kind << 28, 0};
  return flags ? error(EINVAL) : 0;
}
u64 skb_slice(const host::SkbContext& s, u32 offset, u32 n) {
  return u64{offset} + n <= s.len ? s.data + offset : 0;
}
u64 xdp_slice(const host::XdpContext& x, u32 offset, u64 buffer, u32 n) {
  const u64 linear = x.data_end - x.data;
  if (u64{offset} + n <= linear) return x.data + offset;
  if (offset >= linear && offset - linear + n <= x.frags_len) {
    constexpr u64 kPage = 4096;  // a fragment each
    const u64 first = offset - linear;
    if (first / kPage == (first + (n ? n - 1 : 0)) / kPage) return x.frags + first;
  }
  if (!buffer || helpers::code::xdp_load_bytes(reinterpret_cast<u64>(&x), offset, buffer, n, 0)) return 0;
  return buffer;
}

}  // namespace

u64 dynptr_from_skb(u64 skb, u64 flags, u64 result, u64, u64) {
  const u64 context = host::skb_context(skb);
  return from_packet(result, context, reinterpret_cast<host::SkbContext*>(context)->len, helpers::code::kSkb,
                     flags);
}
u64 dynptr_from_skb_rdonly(u64 skb, u64 flags, u64 result, u64, u64) {
  const u64 err = dynptr_from_skb(skb, flags, result, 0, 0);
  if (!err) at(result).size |= kReadOnly;
  return err;
}
u64 dynptr_from_xdp(u64 xdp, u64 flags, u64 result, u64, u64) {
  const u32 size = static_cast<u32>(helpers::code::xdp_get_buff_len(xdp, 0, 0, 0, 0));
  return from_packet(result, xdp, size, helpers::code::kXdp, flags);
}

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
u64 dynptr_slice(u64 ptr, u64 offset, u64 buffer, u64 size, u64) {
  const Dynptr& d = at(ptr);
  const u32 n = static_cast<u32>(size), off = static_cast<u32>(offset);
  if (!d.data || n > bytes(d) || off > bytes(d) - n) return 0;
  if (helpers::code::kind(d) == helpers::code::kSkb)
    return skb_slice(*reinterpret_cast<const host::SkbContext*>(d.data), d.offset + off, n);
  if (helpers::code::kind(d) == helpers::code::kXdp)
    return xdp_slice(*reinterpret_cast<const host::XdpContext*>(d.data), d.offset + off, buffer, n);
  return helpers::code::in_memory(d) ? d.data + d.offset + off : 0;
}
u64 dynptr_slice_rdwr(u64 ptr, u64 offset, u64 buffer, u64 size, u64 r5) {
  return at(ptr).data && !(at(ptr).size & kReadOnly) ? dynptr_slice(ptr, offset, buffer, size, r5) : 0;
}

}  // namespace osmia::kfuncs::code
