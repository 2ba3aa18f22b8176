// The network around programs: devices, routes and neighbours that they may ask about. Either a given one
// (plain data, immutable once set), or none: then the process's own devices are all there is and nothing is
// routed. Invariant: lookups never touch the system's routing tables.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/types.h"

namespace osmia::host {

struct IpAddress {
  std::array<u8, 16> bytes{};  // network order; IPv4 in the first four
  bool ipv6 = false;
  u32 bits() const { return ipv6 ? 128 : 32; }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

struct Device {
  u32 ifindex = 0;
  std::string name;
  u32 mtu = 1500, hard_header_len = 14;
  std::array<u8, 6> mac{};
  bool forwarding = true;            // net.ipv4.conf and net.ipv6.conf
  std::vector<IpAddress> addresses;  // what BPF_FIB_LOOKUP_SRC chooses from
};

enum class RouteType : u8 { kUnicast, kLocal, kOther, kBlackhole, kUnreachable, kProhibit, kThrow };

struct Route {
  IpAddress destination;
  u32 prefix = 0;  // bits of it
  u32 table = 254;
  RouteType type = RouteType::kUnicast;
  u32 ifindex = 0, metric = 0;
  u32 locked_mtu = 0;  // "mtu lock N"; 0: the device's
  bool has_gateway = false, has_source = false, encapsulates = false;
  IpAddress gateway, source;
};

struct Neighbour {
  IpAddress address;
  u32 ifindex = 0;
  std::array<u8, 6> mac{};
  bool valid = true;  // NUD_VALID: not failed or incomplete
};

struct Network {
  std::vector<Device> devices;
  std::vector<Route> routes;
  std::vector<Neighbour> neighbours;

  const Device* device(u32 ifindex) const;
  const Neighbour* neighbour(const IpAddress& address, u32 ifindex) const;
  bool has_table(u32 table, bool ipv6) const;
  // The route of one table: longest prefix, then lowest metric, then first. oif != 0: only routes over that
  // device (IPv4), or these first (IPv6). Null: none.
  const Route* find(const IpAddress& to, u32 table, u32 oif) const;
  // The tables in the order of the rules that every Linux has: local, main, default. Null: no route.
  const Route* find(const IpAddress& to, u32 oif) const;
};

// For all threads; call before programs run. Null: the process's own devices.
void set_network(std::shared_ptr<const Network> network);
std::shared_ptr<const Network> network();

}  // namespace osmia::host
