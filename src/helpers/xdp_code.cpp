// XDP: moving the packet's ends, copying from and to it, redirection. The start of the headroom belongs to
// the driver.
#include <cerrno>
#include <cstring>
#include <string>

#include "helpers/code.h"
#include "helpers/event.h"
#include "host/effects.h"
#include "host/packet.h"

namespace osmia::helpers::code {
namespace {

using host::XdpContext;

u64 ret(s64 v) {
  return static_cast<u64>(v);
}
XdpContext& xdp_of(u64 r) {
  return *reinterpret_cast<XdpContext*>(r);
}
s32 offset_of(u64 r) {
  return static_cast<s32>(r);
}

constexpr u64 kFrameHeader = 40;  // sizeof(struct xdp_frame)
constexpr u64 kEthHeader = 14;
constexpr u64 kMetaMax = 255;
constexpr u64 kRedirectAction = 4;

u64 linear(const XdpContext& x) {
  return x.data_end - x.data;
}

// Copies between the packet (linear part, then fragments) and `memory`.
void copy(const XdpContext& x, u32 offset, u8* memory, u32 length, bool store) {
  const u64 head = linear(x);
  auto part = [&](u8* packet, u64 n) {
    if (store)
      std::memmove(packet, memory, n);
    else
      std::memmove(memory, packet, n);
    memory += n;
  };
  const u64 in_head = offset < head ? (length < head - offset ? length : head - offset) : 0;
  if (in_head) part(reinterpret_cast<u8*>(x.data) + offset, in_head);
  if (length > in_head) part(reinterpret_cast<u8*>(x.frags) + (offset + in_head - head), length - in_head);
}
// Each fragment but the last fills a page; the memory behind the last one reaches to its page's end.
s64 shrink_frags(XdpContext& x, s64 n) {
  if (n > static_cast<s64>(linear(x) + x.frags_len) - static_cast<s64>(kEthHeader)) return -EINVAL;
  const s64 from_frags = n < x.frags_len ? n : x.frags_len;
  x.frags_len -= static_cast<u32>(from_frags);
  x.data_end -= static_cast<u64>(n - from_frags);
  return 0;
}
s64 grow_frags(XdpContext& x, s64 n) {
  constexpr u32 kPage = 4096;
  const u32 last = (x.frags_len - 1) % kPage + 1;
  if (n > kPage - last) return -EINVAL;
  std::memset(reinterpret_cast<u8*>(x.frags) + x.frags_len, 0, static_cast<u64>(n));
  x.frags_len += static_cast<u32>(n);
  return 0;
}
s64 check_range(const XdpContext& x, u32 offset, u32 length) {
  if (offset > 0xffff || length > 0xffff) return -EFAULT;
  return u64{offset} + length > linear(x) + x.frags_len ? -EINVAL : 0;
}

}  // namespace

u64 xdp_adjust_head(u64 ctx, u64 delta, u64, u64, u64) {
  auto& x = xdp_of(ctx);
  const s64 d = offset_of(delta);
  const u64 meta = x.data_meta > x.data ? 0 : x.data - x.data_meta;
  const u64 data = x.data + static_cast<u64>(d);
  if (data < x.hard_start + kFrameHeader + meta || data > x.data_end - kEthHeader) return ret(-EINVAL);
  if (meta) std::memmove(reinterpret_cast<u8*>(x.data_meta) + d, reinterpret_cast<u8*>(x.data_meta), meta);
  x.data_meta += static_cast<u64>(d);
  x.data = data;
  return 0;
}

u64 xdp_adjust_meta(u64 ctx, u64 delta, u64, u64, u64) {
  auto& x = xdp_of(ctx);
  const u64 meta = x.data_meta + static_cast<u64>(s64{offset_of(delta)});
  if (meta < x.hard_start + kFrameHeader || meta > x.data) return ret(-EINVAL);
  const u64 length = x.data - meta;
  if (length & 3 || length > kMetaMax) return ret(-EACCES);
  x.data_meta = meta;
  return 0;
}

u64 xdp_adjust_tail(u64 ctx, u64 delta, u64, u64, u64) {
  auto& x = xdp_of(ctx);
  const s64 d = offset_of(delta);
  if (x.frags_len) return ret(d < 0 ? shrink_frags(x, -d) : grow_frags(x, d));
  const u64 end = x.data_end + static_cast<u64>(d);
  if (end > x.frame_end || end < x.data + kEthHeader) return ret(-EINVAL);
  if (d > 0) std::memset(reinterpret_cast<u8*>(x.data_end), 0, static_cast<u64>(d));
  x.data_end = end;
  return 0;
}

u64 xdp_get_buff_len(u64 ctx, u64, u64, u64, u64) {
  return linear(xdp_of(ctx)) + xdp_of(ctx).frags_len;
}

u64 xdp_load_bytes(u64 ctx, u64 offset, u64 to, u64 length, u64) {
  const auto& x = xdp_of(ctx);
  if (const s64 err = check_range(x, static_cast<u32>(offset), static_cast<u32>(length))) return ret(err);
  copy(x, static_cast<u32>(offset), reinterpret_cast<u8*>(to), static_cast<u32>(length), false);
  return 0;
}
u64 xdp_store_bytes(u64 ctx, u64 offset, u64 from, u64 length, u64) {
  const auto& x = xdp_of(ctx);
  if (const s64 err = check_range(x, static_cast<u32>(offset), static_cast<u32>(length))) return ret(err);
  copy(x, static_cast<u32>(offset), reinterpret_cast<u8*>(from), static_cast<u32>(length), true);
  return 0;
}

u64 xdp_redirect(u64 ifindex, u64 flags, u64, u64, u64) {
  if (flags) return 0;  // XDP_ABORTED
  host::redirect() = {.set = true, .ifindex = static_cast<u32>(ifindex)};
  return kRedirectAction;
}

// The map's slot must be taken; otherwise the low bits of flags are the action.
u64 xdp_redirect_map(u64 map, u64 index, u64 flags, u64, u64) {
  constexpr u64 kActions = 3, kBroadcast = 1 << 3, kExcludeIngress = 1 << 4;
  constexpr u32 kDevmap = 14, kDevmapHash = 25;
  auto& m = *reinterpret_cast<maps::Map*>(map);
  const bool devices = m.type() == kDevmap || m.type() == kDevmapHash;
  if (flags & ~(kActions | (devices ? kBroadcast | kExcludeIngress : 0))) return 0;  // XDP_ABORTED
  const u32 key = static_cast<u32>(index);
  const auto* target = static_cast<const u32*>(flags & kBroadcast ? nullptr : m.lookup(&key));
  if (!target && !(flags & kBroadcast)) return flags & kActions;
  host::redirect() = {.set = true,
                      .by = host::RedirectBy::kMap,
                      .ifindex = devices && target ? *target : 0,
                      .flags = flags,
                      .map = map,
                      .key = key};
  return kRedirectAction;
}

u64 xdp_event_output(u64 ctx, u64 map, u64 flags, u64 data, u64 size) {
  const auto& x = xdp_of(ctx);
  constexpr u64 kIndexMask = 0xffffffff, kLengthMask = 0xfffffull << 32;
  if (flags & ~(kIndexMask | kLengthMask)) return ret(-EINVAL);
  const u32 packet = static_cast<u32>((flags & kLengthMask) >> 32);
  if (packet > linear(x) + x.frags_len) return ret(-EFAULT);
  std::string record(reinterpret_cast<const char*>(data), size);
  record.resize(size + packet);
  copy(x, 0, reinterpret_cast<u8*>(record.data()) + size, packet, false);
  return event_output(map, flags, {reinterpret_cast<const u8*>(record.data()), record.size()});
}

}  // namespace osmia::helpers::code
