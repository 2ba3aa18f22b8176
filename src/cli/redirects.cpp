// The map's kind says what its key means: devmap_hash keys are the user's own, cpumap keys are CPUs, xskmap
// keys are where the map's user put a queue's socket.
#include "cli/redirects.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace osmia::cli {

Redirects::Target Redirects::target_of(const host::Redirect& r) const {
  Target t;
  if (!r.set) {
    t.kind = "nowhere";  // the code was returned, no helper called
    return t;
  }
  t.ifindex = r.ifindex;
  switch (r.by) {
    case host::RedirectBy::kDevice:
      t.kind = "device";
      t.to_ingress = r.flags & BPF_F_INGRESS;
      return t;
    case host::RedirectBy::kPeer: t.kind = "peer"; return t;
    case host::RedirectBy::kNeighbour: t.kind = "neighbour"; return t;
    case host::RedirectBy::kMap:
    case host::RedirectBy::kSocket: break;
  }
  const auto* map = reinterpret_cast<const maps::Map*>(r.map);
  for (const auto& m : object_.maps())
    if (m.map.get() == map) t.map = m.name;
  if (t.map.empty()) t.map = map->info().name;
  t.key = r.key;
  t.has_key = true;
  if (r.by == host::RedirectBy::kSocket) {
    t.kind = "socket";
    t.to_ingress = r.flags & BPF_F_INGRESS;
    t.has_key = map->key_size() == sizeof t.key;
    if (!t.has_key) t.key = 0;
    return t;
  }
  switch (map->type()) {
    case BPF_MAP_TYPE_CPUMAP: t.kind = "cpu"; break;
    case BPF_MAP_TYPE_XSKMAP: t.kind = "xdp_socket"; break;
    default:
      t.kind = "device";
      if (!(r.flags & BPF_F_BROADCAST)) break;
      t.kind = r.flags & BPF_F_EXCLUDE_INGRESS ? "all_devices_but_ingress" : "all_devices";
      t.has_key = false;
      t.key = 0;
  }
  return t;
}

// A hop without a program that does what the target says needs no more words.
Redirects::Target Redirects::target_of(const runtime::FrameHop& hop) const {
  using End = runtime::FrameHop::End;
  Target t = target_of(hop.way);
  t.program = hop.program, t.action = hop.action;
  switch (hop.end) {
    case End::kSent: t.then = hop.program.empty() ? "" : "sent"; break;
    case End::kToStack: t.then = hop.program.empty() ? "" : "to the stack"; break;
    case End::kRedirected: t.then = "redirected"; break;
    case End::kDropped: t.then = "dropped"; break;
    case End::kTooLong: t.then = "dropped: longer than the device takes"; break;
  }
  return t;
}

std::string Redirects::action_name(u32 action) {
  static constexpr const char* kNames[] = {"XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT"};
  return action < std::size(kNames) ? kNames[action] : fmt::format("return {}", static_cast<s32>(action));
}

std::string Redirects::words(const Target& t) {
  std::string s;
  if (t.kind == "device") s = fmt::format("to ifindex {}", t.ifindex);
  if (t.kind == "peer") s = fmt::format("to the peer of ifindex {}", t.ifindex);
  if (t.kind == "neighbour") s = fmt::format("to a neighbour by ifindex {}", t.ifindex);
  if (t.kind == "cpu") s = fmt::format("to CPU {}", t.key);
  if (t.kind == "socket") s = "to a socket";
  if (t.kind == "xdp_socket") s = "to an XDP socket";
  if (t.kind == "all_devices") s = "to all devices";
  if (t.kind == "all_devices_but_ingress") s = "to all devices but the ingress";
  if (t.kind == "nowhere") s = "to nowhere: no helper said where";
  if (t.to_ingress) s += " (ingress)";
  if (!t.map.empty()) s += " by " + t.map + (t.has_key ? fmt::format("[{}]", t.key) : "");
  if (!t.program.empty()) s += fmt::format(", {}: {}", t.program, action_name(t.action));
  if (!t.then.empty()) s += ", " + t.then;
  return s;
}

void Redirects::describe(const Target& t, nlohmann::ordered_json& j) {
  j["target"] = t.kind;
  if (t.ifindex) j["ifindex"] = t.ifindex;
  if (t.to_ingress) j["ingress"] = true;
  if (t.kind == "cpu") j["cpu"] = t.key;
  if (!t.map.empty()) j["map"] = t.map;
  if (t.has_key) j["key"] = t.key;
  if (!t.program.empty()) j["program"] = t.program, j["action"] = action_name(t.action);
  if (!t.then.empty()) j["then"] = t.then;
}

void Redirects::count(u32 action, const std::string& name, const runtime::TestRunResult& r) {
  const host::Redirect& way = r.redirect;
  const bool followed = std::any_of(r.hops.begin(), r.hops.end(), [](const auto& hop) {
    return !hop.program.empty() || hop.end == runtime::FrameHop::End::kTooLong;
  });
  if (name.ends_with("_REDIRECT") && followed)
    for (const auto& hop : r.hops) by_action_[action][target_of(hop)]++;
  else if (name.ends_with("_REDIRECT") ||
           (way.set && way.by == host::RedirectBy::kSocket && name == "SK_PASS"))
    by_action_[action][target_of(way)]++;
  if (way.clones) clones_[way.clone_ifindex] += way.clones;
}

std::string Redirects::text(u32 action) const {
  std::string out;
  if (const auto it = by_action_.find(action); it != by_action_.end())
    for (const auto& [target, n] : it->second) out += fmt::format("    {:<40} {:>10}\n", words(target), n);
  return out;
}
nlohmann::ordered_json Redirects::json(u32 action) const {
  auto out = nlohmann::ordered_json::array();
  if (const auto it = by_action_.find(action); it != by_action_.end())
    for (const auto& [target, n] : it->second) {
      nlohmann::ordered_json j;
      describe(target, j);
      j["packets"] = n;
      out.push_back(std::move(j));
    }
  return out;
}

std::string Redirects::clones_text() const {
  std::string out;
  for (const auto& [ifindex, n] : clones_)
    out += fmt::format("  {:<20} {:>10}   (to ifindex {})\n", "clones sent", n, ifindex);
  return out;
}
nlohmann::ordered_json Redirects::clones_json() const {
  auto out = nlohmann::ordered_json::array();
  for (const auto& [ifindex, n] : clones_) out.push_back({{"ifindex", ifindex}, {"clones", n}});
  return out;
}

}  // namespace osmia::cli
