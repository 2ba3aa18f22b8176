// Both forms become the same calls on a Builder. Words of `ip` that say nothing about where packets go
// (proto, scope, pref, expires …) are passed over.
#include "cli/network_file.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/read_file.h"

namespace osmia::cli {
namespace {

using host::Device;
using host::IpAddress;
using host::Route;
using host::RouteType;

bool parse_address(const std::string& text, IpAddress& out) {
  out = {};
  if (inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) return true;
  out.ipv6 = true;
  return inet_pton(AF_INET6, text.c_str(), out.bytes.data()) == 1;
}
bool parse_mac(const std::string& text, std::array<u8, 6>& out) {
  unsigned b[6];
  char rest;
  if (std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                  &rest) != 6)
    return false;
  std::copy(std::begin(b), std::end(b), out.begin());
  return true;
}
bool parse_number(const std::string& text, u32& out) {
  if (text.empty() || text.size() > 10 || text.find_first_not_of("0123456789") != text.npos) return false;
  const u64 v = std::stoull(text);
  out = static_cast<u32>(v);
  return v <= 0xffffffff;
}
bool route_type(const std::string& word, RouteType& out) {
  static const std::pair<const char*, RouteType> kTypes[] = {
      {"unicast", RouteType::kUnicast},
      {"local", RouteType::kLocal},
      {"broadcast", RouteType::kOther},
      {"anycast", RouteType::kOther},
      {"multicast", RouteType::kOther},
      {"blackhole", RouteType::kBlackhole},
      {"unreachable", RouteType::kUnreachable},
      {"prohibit", RouteType::kProhibit},
      {"throw", RouteType::kThrow},
  };
  for (const auto& [name, type] : kTypes)
    if (word == name) {
      out = type;
      return true;
    }
  return false;
}

class Builder {
 public:
  host::Network net;

  Device& device(const std::string& name) {
    for (Device& d : net.devices)
      if (d.name == name) return d;
    Device d;
    d.name = name;
    d.ifindex = name == "lo" ? 1 : 0;  // 0: finish() chooses one
    if (name == "lo") d.mtu = 65536;
    net.devices.push_back(d);
    return net.devices.back();
  }
  // A route names its devices before all of them are numbered: by name until finish().
  void add(Route r, const std::string& dev) {
    if (!dev.empty()) device(dev);
    net.routes.push_back(r);
    route_devices_.push_back(dev);
  }
  void add(host::Neighbour n, const std::string& dev) {
    device(dev);
    net.neighbours.push_back(n);
    neighbour_devices_.push_back(dev);
  }
  void finish() {
    device("lo");
    u32 next = 2;
    for (Device& d : net.devices) {
      while (!d.ifindex) {
        if (!net.device(next)) d.ifindex = next;
        next++;
      }
      if (d.mac == std::array<u8, 6>{} && d.name != "lo") d.mac = {2, 0, 0, 0, 0, static_cast<u8>(d.ifindex)};
    }
    for (size_t i = 0; i < net.routes.size(); i++)
      if (!route_devices_[i].empty()) net.routes[i].ifindex = device(route_devices_[i]).ifindex;
    for (size_t i = 0; i < net.neighbours.size(); i++)
      net.neighbours[i].ifindex = device(neighbour_devices_[i]).ifindex;
  }

  // "default", an address, an address with its prefix.
  bool destination(const std::string& text, Route& r, bool ipv6) {
    if (text == "default" || text == "all") {
      r.destination = {};
      r.destination.ipv6 = ipv6;
      r.prefix = 0;
      return true;
    }
    const size_t slash = text.find('/');
    if (!parse_address(text.substr(0, slash), r.destination)) return false;
    r.prefix = r.destination.bits();
    return slash == text.npos ||
           (parse_number(text.substr(slash + 1), r.prefix) && r.prefix <= r.destination.bits());
  }
  static bool table(const std::string& text, u32& out) {
    if (text == "local") return out = 255, true;
    if (text == "main") return out = 254, true;
    if (text == "default") return out = 253, true;
    return parse_number(text, out);
  }
  static void complete(Route& r, bool& metric_given) {
    if (r.destination.ipv6 && !metric_given) r.metric = 1024;  // what IPv6 gives routes by itself
    if (r.type == RouteType::kLocal && r.table == 254) r.table = 255;
  }

 private:
  std::vector<std::string> route_devices_, neighbour_devices_;
};

using Words = std::vector<std::string>;

// -- text

std::string route_line(Builder& b, const Words& w) {
  Route r;
  size_t i = 0;
  if (route_type(w[0], r.type)) i++;
  if (i >= w.size()) return "expected a destination";
  bool metric_given = false;
  // The family of "default" is that of the gateway or source behind it.
  bool ipv6 = false;
  for (size_t k = i + 1; k < w.size(); k++)
    if ((w[k - 1] == "via" || w[k - 1] == "src") && w[k].find(':') != w[k].npos) ipv6 = true;
  if (std::find(w.begin(), w.end(), "pref") != w.end()) ipv6 = true;  // IPv6's router preference
  if (!b.destination(w[i], r, ipv6)) return "expected an address, found \"" + w[i] + '"';
  std::string dev;
  for (i++; i < w.size(); i++) {
    const std::string& word = w[i];
    const std::string value = i + 1 < w.size() ? w[i + 1] : "";
    if (word == "via") {
      size_t at = i + 1;
      if (value == "inet" || value == "inet6") at++;
      if (at >= w.size() || !parse_address(w[at], r.gateway)) return "expected a gateway behind \"via\"";
      r.has_gateway = true;
      i = at;
    } else if (word == "dev") {
      if (value.empty()) return "expected a device behind \"dev\"";
      dev = value;
      i++;
    } else if (word == "src") {
      if (!parse_address(value, r.source)) return "expected an address behind \"src\"";
      r.has_source = true;
      i++;
    } else if (word == "metric") {
      if (!parse_number(value, r.metric)) return "expected a number behind \"metric\"";
      metric_given = true;
      i++;
    } else if (word == "table") {
      if (!Builder::table(value, r.table))
        return "expected main, local, default or a number behind \"table\"";
      i++;
    } else if (word == "mtu") {
      const bool lock = value == "lock";
      const std::string number = lock && i + 2 < w.size() ? w[i + 2] : value;
      u32 mtu = 0;
      if (!parse_number(number, mtu)) return "expected a number behind \"mtu\"";
      if (lock) r.locked_mtu = mtu;
      i += lock ? 2 : 1;
    } else if (word == "encap") {
      r.encapsulates = true;
    } else if (word == "dead") {
      return {};  // not used
    }
  }
  if (r.type == RouteType::kUnicast && dev.empty()) return "expected a device (\"dev\")";
  Builder::complete(r, metric_given);
  b.add(r, dev);
  return {};
}

std::string neighbour_line(Builder& b, const Words& w) {
  host::Neighbour n;
  std::string dev;
  if (!parse_address(w[0], n.address)) return "expected an address, found \"" + w[0] + '"';
  n.valid = false;
  for (size_t i = 1; i < w.size(); i++) {
    if (w[i] == "dev" && i + 1 < w.size()) dev = w[++i];
    if (w[i] == "lladdr" && i + 1 < w.size()) {
      n.valid = true;
      if (!parse_mac(w[++i], n.mac)) return "expected a link address behind \"lladdr\"";
    }
    if (w[i] == "FAILED" || w[i] == "INCOMPLETE" || w[i] == "NONE") n.valid = false;
  }
  if (dev.empty()) return "expected a device (\"dev\")";
  b.add(n, dev);
  return {};
}

std::string device_line(Builder& b, const Words& w, std::string& current) {
  u32 index = 0;
  if (!parse_number(w[0].substr(0, w[0].size() - 1), index) || !index || w.size() < 2)
    return "expected \"N: NAME:\"";
  current = w[1].substr(0, w[1].find_first_of("@:"));
  if (const Device* other = b.net.device(index); other && other->name != current)
    return fmt::format("index {} is that of {} already", index, other->name);
  Device& d = b.device(current);
  d.ifindex = index;
  for (size_t i = 2; i + 1 < w.size(); i++)
    if (w[i] == "mtu" && !parse_number(w[i + 1], d.mtu)) return "expected a number behind \"mtu\"";
  return {};
}

std::string line_of_text(Builder& b, const std::string& line, std::string& current) {
  std::istringstream in(line);
  const Words w{std::istream_iterator<std::string>(in), {}};
  if (w.empty() || w[0][0] == '#') return {};
  const auto has = [&](const char* word) { return std::find(w.begin(), w.end(), word) != w.end(); };
  if (u32 index; w[0].back() == ':' && parse_number(w[0].substr(0, w[0].size() - 1), index))
    return device_line(b, w, current);
  if (w[0].starts_with("link/")) {
    if (current.empty()) return "expected the device's line before";
    if (w[0] == "link/none") b.device(current).hard_header_len = 0;
    if (w[0] == "link/ether" && (w.size() < 2 || !parse_mac(w[1], b.device(current).mac)))
      return "expected a link address";
    return {};
  }
  if (w[0] == "inet" || w[0] == "inet6") {
    IpAddress a;
    if (current.empty()) return "expected the device's line before";
    if (w.size() < 2 || !parse_address(w[1].substr(0, w[1].find('/')), a)) return "expected an address";
    b.device(current).addresses.push_back(a);
    return {};
  }
  if (w[0] == "valid_lft" || w[0] == "altname" || w[0] == "nexthop") return {};
  if (w[0].starts_with("net.ipv4.conf.") || w[0].starts_with("net.ipv6.conf.")) {
    const size_t end = w[0].rfind('.');
    if (w[0].substr(end) == ".forwarding" && end > 14) {
      const std::string name = w[0].substr(14, end - 14);
      if (name != "all" && name != "default") b.device(name).forwarding = w.back() != "0";
    }
    return {};
  }
  if (has("lladdr") || has("FAILED") || has("INCOMPLETE")) return neighbour_line(b, w);
  return route_line(b, w);
}

// -- JSON

using Json = nlohmann::json;

std::string text_at(const Json& j, const char* key) {
  const auto it = j.find(key);
  if (it == j.end()) return {};
  return it->is_string() ? it->get<std::string>() : it->is_number() ? std::to_string(it->get<u64>()) : "";
}

std::string json_device(Builder& b, const Json& j) {
  const std::string name = text_at(j, "ifname");
  Device& d = b.device(name);
  if (j.contains("ifindex")) {
    u32 index = 0;
    if (!parse_number(text_at(j, "ifindex"), index) || !index) return "ifindex: expected a number above 0";
    if (const Device* other = b.net.device(index); other && other->name != name)
      return fmt::format("ifindex: {} is that of {} already", index, other->name);
    d.ifindex = index;
  }
  if (j.contains("mtu") && !parse_number(text_at(j, "mtu"), d.mtu)) return "mtu: expected a number";
  if (j.contains("forwarding")) d.forwarding = j["forwarding"] != false && j["forwarding"] != 0;
  if (text_at(j, "link_type") == "none") d.hard_header_len = 0;
  if (j.contains("address") && !parse_mac(text_at(j, "address"), d.mac))
    return "address: expected a link address";
  if (j.contains("addr_info"))
    for (const Json& a : j["addr_info"]) {
      IpAddress address;
      if (!a.is_object() || !parse_address(text_at(a, "local"), address))
        return "addr_info: expected addresses (\"local\")";
      d.addresses.push_back(address);
    }
  return {};
}

std::string json_neighbour(Builder& b, const Json& j) {
  host::Neighbour n;
  if (!parse_address(text_at(j, "dst"), n.address)) return "dst: expected an address";
  n.valid = j.contains("lladdr");
  if (n.valid && !parse_mac(text_at(j, "lladdr"), n.mac)) return "lladdr: expected a link address";
  if (j.contains("state"))
    for (const Json& s : j["state"])
      if (s == "FAILED" || s == "INCOMPLETE" || s == "NONE") n.valid = false;
  const std::string dev = text_at(j, "dev");
  if (dev.empty()) return "dev: expected a device";
  b.add(n, dev);
  return {};
}

std::string json_route(Builder& b, const Json& given) {
  Json j = given;
  if (const auto hops = given.find("nexthops"); hops != given.end() && hops->is_array() && !hops->empty())
    for (const auto& [key, value] : (*hops)[0].items()) j[key] = value;  // the first of several
  Route r;
  bool metric_given = j.contains("metric");
  if (j.contains("type") && !route_type(text_at(j, "type"), r.type)) return "type: not a kind of route";
  const std::string source = text_at(j, "prefsrc");
  std::string gateway = text_at(j, "gateway");
  if (const auto via = j.find("via"); via != j.end() && via->is_object()) gateway = text_at(*via, "host");
  r.has_gateway = !gateway.empty();
  r.has_source = !source.empty();
  if (r.has_gateway && !parse_address(gateway, r.gateway)) return "gateway: expected an address";
  if (r.has_source && !parse_address(source, r.source)) return "prefsrc: expected an address";
  const bool ipv6 =
      (r.has_gateway && r.gateway.ipv6) || (r.has_source && r.source.ipv6) || j.contains("pref");
  if (!b.destination(text_at(j, "dst"), r, ipv6))
    return "dst: expected \"default\" or an address with its prefix";
  if (metric_given && !parse_number(text_at(j, "metric"), r.metric)) return "metric: expected a number";
  if (j.contains("table") && !Builder::table(text_at(j, "table"), r.table))
    return "table: expected a name or number";
  if (const auto metrics = j.find("metrics"); metrics != j.end())
    for (const Json& m : *metrics)
      if (m.is_object() && m.contains("mtu") && m.value("lock", Json()).is_array())
        parse_number(text_at(m, "mtu"), r.locked_mtu);
  r.encapsulates = j.contains("encap");
  if (const auto flags = j.find("flags"); flags != j.end())
    for (const Json& f : *flags)
      if (f == "dead") return {};
  const std::string dev = text_at(j, "dev");
  if (r.type == RouteType::kUnicast && dev.empty()) return "dev: expected a device";
  Builder::complete(r, metric_given);
  b.add(r, dev);
  return {};
}

std::string json_entries(Builder& b, const Json& j, int depth = 0) {
  size_t n = 0;
  for (const Json& e : j) {
    std::string wrong;
    if (e.is_array() && depth < 2) {
      wrong = json_entries(b, e, depth + 1);
    } else if (!e.is_object()) {
      wrong = "expected an object";
    } else if (!e.empty()) {
      wrong = e.contains("ifname")                          ? json_device(b, e)
              : e.contains("lladdr") || e.contains("state") ? json_neighbour(b, e)
                                                            : json_route(b, e);
    }
    if (!wrong.empty()) return fmt::format("entry {}: {}", n, wrong);
    n++;
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const host::Network>> read_network(const std::string& path) {
  constexpr size_t kLongest = 64u << 20;
  OSMIA_ASSIGN(const std::string text, read_file(path, kLongest));
  Builder b;
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != text.npos && (text[first] == '[' || text[first] == '{')) {
    const Json j = Json::parse(text, nullptr, false);
    if (j.is_discarded()) return Error{EINVAL, path + ": expected JSON, found text that is none"};
    if (const std::string wrong = json_entries(b, j); !wrong.empty())
      return Error{EINVAL, path + ": " + wrong};
  } else {
    std::istringstream lines(text);
    std::string line, current;
    for (u32 number = 1; std::getline(lines, line); number++) {
      std::string wrong = line_of_text(b, line, current);
      // Several next hops: the route's own line has no device, the first of the hops' has.
      if (wrong == "expected a device (\"dev\")" && line.find("via") == line.npos) {
        const auto at = lines.tellg();
        std::string hop;
        if (std::getline(lines, hop) && hop.find("nexthop ") != hop.npos) {
          number++;
          wrong = line_of_text(b, line + " " + hop.substr(hop.find("nexthop ") + 8), current);
        } else if (at >= 0) {
          lines.clear();
          lines.seekg(at);
        }
      }
      if (!wrong.empty()) return Error{EINVAL, fmt::format("{}: line {}: {}", path, number, wrong)};
    }
  }
  b.finish();
  return std::shared_ptr<const host::Network>(std::make_shared<host::Network>(std::move(b.net)));
}

}  // namespace osmia::cli
