// One frame at a time, where Linux sends bulks: the order in which programs see frames is the order of
// arrival. Source: Linux 6.12, kernel/bpf/devmap.c, cpumap.c (behaviour only).
#include "runtime/xdp_frame.h"

#include <linux/bpf.h>

#include <cstring>
#include <map>

#include "host/net_device.h"
#include "host/run_context.h"
#include "runtime/program.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

using host::Redirect;
using host::RedirectBy;
using host::XdpContext;
using End = FrameHop::End;

constexpr u32 kVlanHeader = 4;
constexpr u32 kMostHops = 64;  // CPU maps may send a frame round and round

// A frame in a buffer of its own.
struct Copy {
  explicit Copy(const XdpContext& from) : page(kXdpPage), frame(from) {
    std::memcpy(page.data(), reinterpret_cast<const void*>(from.hard_start), kXdpPage);
    const u64 delta = reinterpret_cast<u64>(page.data()) - from.hard_start;
    for (u64* p : {&frame.data, &frame.data_end, &frame.data_meta, &frame.hard_start, &frame.frame_end})
      *p += delta;
  }
  std::vector<u8> page;
  XdpContext frame;
};

bool fits(const XdpContext& x, u32 ifindex) {
  const auto device = host::net_device(ifindex);
  return device && x.data_end - x.data + x.frags_len <= device->mtu + device->hard_header_len + kVlanHeader;
}

class Journey {
 public:
  Status go(XdpContext& x, const Redirect& way) {
    if (!way.set) return Ok{};
    if (way.by != RedirectBy::kMap) {
      if (way.ifindex) leave(x, way);
      return Ok{};
    }
    auto& map = *reinterpret_cast<maps::Map*>(way.map);
    if (way.flags & BPF_F_BROADCAST) return to_all(x, way, map);
    if (map.type() == BPF_MAP_TYPE_XSKMAP) {
      hops_.push_back({.way = way});
      return Ok{};
    }
    const maps::Map::WayOut out = map.way_out(&way.key);
    if (!out.there) return hops_.push_back({.way = way, .end = End::kDropped}), Ok{};
    return map.type() == BPF_MAP_TYPE_CPUMAP ? to_cpu(x, way, out) : to_device(x, way, out);
  }
  std::vector<FrameHop>& hops() { return hops_; }

 private:
  FrameHop& leave(const XdpContext& x, const Redirect& way) {
    hops_.push_back({.way = way, .end = fits(x, way.ifindex) ? End::kSent : End::kTooLong});
    return hops_.back();
  }
  // A program in an element, on its CPU.
  Status run(XdpContext& x, const maps::ProgObject& object, u32 cpu, FrameHop& hop) {
    auto& p = static_cast<Program&>(const_cast<maps::ProgObject&>(object));
    OSMIA_TRY(check_executable(p));
    hop.program = p.desc.name;
    const host::RunScope scope(&object, &x, cpu);
    host::redirect() = {};
    hop.action = static_cast<u32>(p.executable->run(&x));
    return Ok{};
  }
  // On the way out: only XDP_PASS lets it go.
  Status to_device(XdpContext& x, Redirect way, const maps::Map::WayOut& out) {
    way.ifindex = out.target;
    FrameHop& hop = leave(x, way);
    if (!out.program || hop.end != End::kSent) return Ok{};
    x.egress_ifindex = out.target;
    OSMIA_TRY(run(x, *out.program, host::current_cpu(), hop));
    x.egress_ifindex = 0;
    if (hop.action != XDP_PASS) hop.end = End::kDropped;
    return Ok{};
  }
  // On the other CPU: to the stack, or anywhere else.
  Status to_cpu(XdpContext& x, Redirect way, const maps::Map::WayOut& out) {
    way.ifindex = 0;
    FrameHop hop{.way = way, .end = End::kToStack};
    Redirect next;
    if (out.program) {
      x.rx_queue_index = 0;
      OSMIA_TRY(run(x, *out.program, out.target, hop));
      next = host::redirect();
      if (hop.action == XDP_REDIRECT)
        hop.end = next.set && hops_.size() < kMostHops ? End::kRedirected : End::kDropped;
      else if (hop.action != XDP_PASS)
        hop.end = End::kDropped;
    }
    hops_.push_back(hop);
    return hop.end == End::kRedirected ? go(x, next) : Ok{};
  }
  Status to_all(XdpContext& x, Redirect way, maps::Map& map) {
    std::map<u32, maps::Map::WayOut> ways;  // by key
    u32 key = 0, next = 0;
    for (int r = map.next_key(nullptr, &next); !r; r = map.next_key(&key, &next)) {
      key = next;
      maps::Map::WayOut out = map.way_out(&key);
      const bool ingress = way.flags & BPF_F_EXCLUDE_INGRESS && out.target == x.ingress_ifindex;
      if (out.there && !ingress && fits(x, out.target)) ways.emplace(key, std::move(out));
    }
    if (x.frags_len && ways.size() > 1) {  // fragments cannot be copied
      hops_.push_back({.way = way, .end = End::kDropped});
      return Ok{};
    }
    way.flags &= ~u64{BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS};
    for (auto& [k, out] : ways) {
      Copy copy(x);
      way.key = k;
      OSMIA_TRY(to_device(copy.frame, way, out));
    }
    return Ok{};
  }
  std::vector<FrameHop> hops_;
};

}  // namespace

Result<std::vector<FrameHop>> follow_frame(XdpContext& frame, const Redirect& way) {
  Journey journey;
  OSMIA_TRY(journey.go(frame, way));
  return std::move(journey.hops());
}

}  // namespace osmia::runtime
