// Sending data on to a socket of a socket map, and choosing a socket of a group. Nothing moves: the choice is
// noted for whoever runs the program (host/effects.h).
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "helpers/skb_buffer.h"
#include "host/effects.h"
#include "host/message.h"
#include "host/sockets.h"
#include "maps/map.h"

namespace osmia::helpers::code {
namespace {

constexpr u64 kDrop = 0, kPass = 1;  // SK_DROP, SK_PASS
constexpr u32 kEstablished = 1;

// An element's socket, given back with the scope.
class Element {
 public:
  Element(u64 map, const void* key)
      : socket_(static_cast<host::Socket*>(reinterpret_cast<maps::Map*>(map)->lookup(key))) {}
  ~Element() { host::release_socket(socket_); }
  Element(const Element&) = delete;
  Element& operator=(const Element&) = delete;
  explicit operator bool() const { return socket_; }
  const host::Socket* operator->() const { return socket_; }
  bool tcp() const { return socket_->protocol == host::kProtocolTcp; }
  // TCP that does not listen, anything else that is connected.
  bool takes_data() const {
    return tcp() ? socket_->state != host::kTcpListen : socket_->state == kEstablished;
  }

 private:
  host::Socket* socket_;
};

void note(u64 map, const void* key, u64 flags) {
  host::Redirect& r = host::redirect();
  const u32 clones = r.clones, clone_ifindex = r.clone_ifindex;
  r = {};
  r.clones = clones, r.clone_ifindex = clone_ifindex;
  r.set = true;
  r.by = host::RedirectBy::kSocket;
  r.map = map;
  r.flags = flags;
  const auto* m = reinterpret_cast<const maps::Map*>(map);
  std::memcpy(&r.key, key, m->key_size() < sizeof r.key ? m->key_size() : sizeof r.key);
}

u64 stream_redirect(u64 map, const void* key, u64 flags) {
  if (flags & ~u64{BPF_F_INGRESS}) return kDrop;
  const Element to(map, key);
  if (!to || !to.takes_data()) return kDrop;
  note(map, key, flags);
  return kPass;
}
u64 message_redirect(u64 map, const void* key, u64 flags) {
  if (flags & ~u64{BPF_F_INGRESS}) return kDrop;
  const Element to(map, key);
  if (!to || !to.takes_data() || (!(flags & BPF_F_INGRESS) && !to.tcp())) return kDrop;
  note(map, key, flags);
  return kPass;
}
const void* memory(u64 key) {
  return reinterpret_cast<const void*>(key);
}

}  // namespace

u64 sk_redirect_map(u64, u64 map, u64 key, u64 flags, u64) {
  const u32 index = static_cast<u32>(key);
  return stream_redirect(map, &index, flags);
}
u64 sk_redirect_hash(u64, u64 map, u64 key, u64 flags, u64) {
  return stream_redirect(map, memory(key), flags);
}
u64 msg_redirect_map(u64, u64 map, u64 key, u64 flags, u64) {
  const u32 index = static_cast<u32>(key);
  return message_redirect(map, &index, flags);
}
u64 msg_redirect_hash(u64, u64 map, u64 key, u64 flags, u64) {
  return message_redirect(map, memory(key), flags);
}

// A socket is of the packet's group if both are bound to the same address and port.
u64 sk_select_reuseport(u64 ctx, u64 map, u64 key, u64, u64) {
  const auto& c = *reinterpret_cast<const host::ReuseportContext*>(ctx);
  const auto& own = *reinterpret_cast<const host::Socket*>(c.sk);
  const Element chosen(map, memory(key));
  if (!chosen) return result(-ENOENT);
  const bool array = reinterpret_cast<const maps::Map*>(map)->type() == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY;
  if (!chosen->reuseport) return result(array ? -ENOENT : -EINVAL);
  if (chosen->protocol != own.protocol) return result(-EPROTOTYPE);
  if (chosen->family != own.family) return result(-EAFNOSUPPORT);
  if (chosen->src_port != own.src_port || chosen->src_ip4 != own.src_ip4 ||
      std::memcmp(chosen->src_ip6, own.src_ip6, sizeof own.src_ip6))
    return result(-EBADFD);
  note(map, memory(key), 0);
  return 0;
}

u64 reuseport_load_bytes(u64 ctx, u64 offset, u64 to, u64 size, u64) {
  const auto& c = *reinterpret_cast<const host::ReuseportContext*>(ctx);
  return skb_load_bytes(reinterpret_cast<u64>(c.packet), offset, to, size, 0);
}
u64 reuseport_load_bytes_relative(u64 ctx, u64 offset, u64 to, u64 size, u64 start) {
  const auto& c = *reinterpret_cast<const host::ReuseportContext*>(ctx);
  return skb_load_bytes_relative(reinterpret_cast<u64>(c.packet), offset, to, size, start);
}

// Room at the front of stream data, for a header of the program's own.
u64 stream_adjust_room(u64 ctx, u64 difference, u64 mode, u64 flags, u64) {
  constexpr s32 kMost = 0xfff;
  auto& s = skb::skb_of(ctx);
  const s32 d = static_cast<s32>(difference);
  if (flags || static_cast<u32>(mode)) return result(-EINVAL);
  if (d > kMost || d < -kMost) return result(-EFAULT);
  const u32 n = static_cast<u32>(d < 0 ? -d : d);
  if (d >= 0) {
    if (!skb::head_room(s, n)) return result(-ENOMEM);
    s.data -= n;
    s.len += n;
    std::memset(skb::at(s.data), 0, n);
  } else {
    if (n > s.len) return result(-ENOMEM);
    s.data += n;
    s.len -= n;
  }
  skb::moved(s);
  return 0;
}

}  // namespace osmia::helpers::code
