// Look-ups walk the lists: tables that people give are short.
#include "host/network.h"

#include <mutex>

namespace osmia::host {
namespace {

std::mutex g_mutex;
std::shared_ptr<const Network> g_network;

constexpr u32 kDefaultTable = 253, kMainTable = 254, kLocalTable = 255;

bool covers(const Route& r, const IpAddress& a) {
  if (r.destination.ipv6 != a.ipv6) return false;
  for (u32 i = 0, left = r.prefix; left; i++) {
    const u32 n = left < 8 ? left : 8;
    if ((r.destination.bytes[i] ^ a.bytes[i]) >> (8 - n)) return false;
    left -= n;
  }
  return true;
}

}  // namespace

const Device* Network::device(u32 ifindex) const {
  for (const Device& d : devices)
    if (d.ifindex == ifindex) return &d;
  return nullptr;
}

const Neighbour* Network::neighbour(const IpAddress& address, u32 ifindex) const {
  for (const Neighbour& n : neighbours)
    if (n.ifindex == ifindex && n.address == address) return &n;
  return nullptr;
}

bool Network::has_table(u32 table, bool ipv6) const {
  if (table == kMainTable || table == kLocalTable || table == kDefaultTable) return true;
  for (const Route& r : routes)
    if (r.table == table && r.destination.ipv6 == ipv6) return true;
  return false;
}

const Route* Network::find(const IpAddress& to, u32 table, u32 oif) const {
  const Route* best = nullptr;
  for (const Route& r : routes) {
    if (r.table != table || !covers(r, to)) continue;
    const bool over = !oif || r.ifindex == oif;
    if (!to.ipv6 && !over && r.ifindex) continue;
    const bool better =
        !best || r.prefix > best->prefix ||
        (r.prefix == best->prefix &&
         (r.metric < best->metric || (r.metric == best->metric && over && oif && best->ifindex != oif)));
    if (better) best = &r;
  }
  return best;
}

const Route* Network::find(const IpAddress& to, u32 oif) const {
  for (const u32 table : {kLocalTable, kMainTable, kDefaultTable})
    if (const Route* r = find(to, table, oif); r && r->type != RouteType::kThrow) return r;
  return nullptr;
}

void set_network(std::shared_ptr<const Network> network) {
  std::lock_guard lock(g_mutex);
  g_network = std::move(network);
}
std::shared_ptr<const Network> network() {
  std::lock_guard lock(g_mutex);
  return g_network;
}

}  // namespace osmia::host
