// What helpers ask of a socket that they have: one of a test run, or one that was looked up (host/sockets.h).
#include "host/socket.h"

#include <linux/bpf.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "host/packet.h"

namespace osmia::helpers::code {
namespace {

constexpr u32 kIpProtoTcp = 6, kIpProtoUdp = 17, kInet = 2;

u64 error(int code) {
  return static_cast<u64>(static_cast<s64>(-code));
}
const host::SkbContext& packet(u64 skb) {
  return *reinterpret_cast<const host::SkbContext*>(host::skb_context(skb));
}

const host::Socket* at(u64 sk) {
  return reinterpret_cast<const host::Socket*>(sk);
}

}  // namespace

u64 sk_fullsock(u64 sk, u64, u64, u64, u64) {
  return sk && at(sk)->full() ? sk : 0;
}
u64 tcp_sock(u64 sk, u64, u64, u64, u64) {
  return sk && at(sk)->full() && at(sk)->protocol == kIpProtoTcp ? at(sk)->tcp : 0;
}
u64 get_listener_sock(u64 sk, u64, u64, u64, u64) {
  return at(sk)->state == host::kTcpListen ? sk : 0;
}
// The kernel's own structs are not there; nor is a socket of a kind that could be cast to one.
u64 skc_cast(u64, u64, u64, u64, u64) {
  return 0;
}

u64 socket_cookie(u64 sk, u64, u64, u64, u64) {
  static std::atomic<u64> last{0};
  auto* s = reinterpret_cast<host::Socket*>(sk);
  if (!s) return 0;
  if (!s->cookie) s->cookie = last.fetch_add(1, std::memory_order_relaxed) + 1;
  return s->cookie;
}
u64 skb_socket_cookie(u64 skb, u64, u64, u64, u64) {
  return socket_cookie(packet(skb).sk, 0, 0, 0, 0);
}
// The sockets of test runs are the kernel's own: root's.
u64 skb_socket_uid(u64 skb, u64, u64, u64, u64) {
  constexpr u64 kOverflowUid = 65534;
  const u64 sk = packet(skb).sk;
  return sk && at(sk)->full() ? 0 : kOverflowUid;
}

// Test runs have no packet on its way in: only there may a socket be assigned.
u64 skb_assign_socket(u64, u64 sk, u64 flags, u64, u64) {
  return error(!sk || flags ? EINVAL : EOPNOTSUPP);
}
u64 lookup_assign_socket(u64 ctx, u64 sk, u64 flags, u64, u64) {
  auto& context = *reinterpret_cast<host::SkLookupContext*>(ctx);
  bpf_sk_lookup& c = context.fields;
  if (flags & ~u64{BPF_SK_LOOKUP_F_REPLACE | BPF_SK_LOOKUP_F_NO_REUSEPORT}) return error(EINVAL);
  if (sk) {
    const host::Socket& s = *at(sk);
    if (s.protocol == kIpProtoTcp ? s.state != host::kTcpListen
                                  : s.protocol == kIpProtoUdp && s.state != host::kTcpClose)
      return error(ESOCKTNOSUPPORT);
    if (s.protocol != c.protocol) return error(EPROTOTYPE);
    if (s.family != c.family && (s.family == kInet || s.ipv6_only)) return error(EAFNOSUPPORT);
  }
  if (c.cookie && !(flags & BPF_SK_LOOKUP_F_REPLACE)) return error(EEXIST);
  c.cookie = sk;
  context.no_reuseport = flags & BPF_SK_LOOKUP_F_NO_REUSEPORT;
  return 0;
}

// Packets here have passed no IPsec.
u64 skb_get_xfrm_state(u64, u64, u64 to, u64 size, u64) {
  std::memset(reinterpret_cast<void*>(to), 0, static_cast<u32>(size));
  return error(EINVAL);
}

}  // namespace osmia::helpers::code
