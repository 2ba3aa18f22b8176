// Look-ups in a given list of sockets, by the rules of Linux's inet and UDP tables. Ties go to the earlier
// line: a list has no hash of its own by which a reuseport group could choose.
#include <mutex>

#include "host/socket.h"
#include "host/socket_facts.h"

namespace osmia::host {
namespace {

constexpr SocketAddress kAny{};

bool mapped(const SocketAddress& a) {
  return !a[0] && !a[1] && a[2] == 0xffff0000u;
}
// The IPv4 address that a socket of either family has in the IPv4 world; nothing if it is not in it.
std::optional<u32> inet_address(const SocketFacts& s, const SocketAddress& a) {
  if (s.family == kFamilyInet) return a[0];
  if (mapped(a)) return a[3];
  if (a == kAny && !s.ipv6_only) return 0;
  return std::nullopt;
}
// Does `a` of the socket say `want`, or any address (then by == 0)?
bool address_fits(const SocketFacts& s, const SocketAddress& a, const SocketAddress& want, u16 family,
                  bool& exact) {
  if (family == kFamilyInet) {
    const auto own = inet_address(s, a);
    if (!own) return false;
    exact = *own != 0;
    return !*own || *own == want[0];
  }
  if (s.family != kFamilyInet6) return false;
  exact = a != kAny;
  return !exact || a == want;
}

// The better, the larger; 0: not this one. A connection is better than all else, then an exact local
// address, then a device.
u32 score(const SocketFacts& s, const SocketQuery& q) {
  if (s.protocol != q.protocol || s.local_port != q.local_port || (s.device && s.device != q.device))
    return 0;
  bool local = false, remote = false;
  if (!address_fits(s, s.local, q.local, q.family, local)) return 0;
  u32 points = 1 + (s.device ? 2 : 0) + (local ? 8 : 0);
  if (q.family == kFamilyInet && s.family == kFamilyInet) points++;
  const bool tcp = s.protocol == kProtocolTcp;
  if (tcp && !s.connected()) return s.state == kTcpListen ? points : 0;
  if (!s.connected()) return points;
  if (s.remote_port != q.remote_port || !address_fits(s, s.remote, q.remote, q.family, remote)) return 0;
  if (tcp && (!remote || !local)) return 0;
  return points + 16;
}

std::mutex g_mutex;
std::shared_ptr<const SocketList> g_list;

}  // namespace

const SocketFacts* SocketList::find(const SocketQuery& q) const {
  const SocketFacts* best = nullptr;
  u32 most = 0;
  for (const SocketFacts& s : sockets)
    if (const u32 points = score(s, q); points > most) {
      most = points;
      best = &s;
    }
  return best;
}

void set_sockets(std::shared_ptr<const SocketList> list) {
  std::lock_guard lock(g_mutex);
  g_list = std::move(list);
}
std::shared_ptr<const SocketList> sockets() {
  std::lock_guard lock(g_mutex);
  return g_list;
}

}  // namespace osmia::host
