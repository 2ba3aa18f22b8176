// Test run of programs on socket buffers. The packet comes with its Ethernet header; traffic control sees it,
// the others start behind it and get zeros in its place in the output.
#include <linux/bpf.h>
#include <linux/if_packet.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/bits.h"
#include "host/checksum.h"
#include "host/packet.h"
#include "host/socket.h"
#include "runtime/test_run_code.h"

namespace osmia::runtime {
namespace {

constexpr u32 kPad = 64;        // NET_SKB_PAD
constexpr u32 kMaxSkb = 16384;  // helpers let a packet grow up to this
constexpr u32 kBuffer = 3 * kMaxSkb;
constexpr u32 kChecksumComplete = 4;  // BPF_F_TEST_SKB_CHECKSUM_COMPLETE
constexpr u32 kSummedComplete = 2;    // CHECKSUM_COMPLETE
constexpr u32 kGsoMaxSize = 65536, kGsoMaxSegs = 65535;
constexpr u16 kIpv4 = 0x0008, kIpv6 = 0xdd86;  // ETH_P_* in network order

Error invalid(const char* what) {
  return {EINVAL, what};
}

enum class Layer { kLink, kNetworkDirect, kNetwork };
Layer layer_of(u32 type) {
  switch (type) {
    case BPF_PROG_TYPE_SCHED_CLS:
    case BPF_PROG_TYPE_SCHED_ACT: return Layer::kLink;
    case BPF_PROG_TYPE_CGROUP_SKB:  // not so before Linux 6.17, where such programs saw no byte of the packet
    case BPF_PROG_TYPE_LWT_IN:
    case BPF_PROG_TYPE_LWT_OUT:
    case BPF_PROG_TYPE_LWT_XMIT: return Layer::kNetworkDirect;
    default: return Layer::kNetwork;  // packet pointers are not set up: data_end reads as null
  }
}

// eth_type_trans() on the loopback device, whose own and broadcast addresses are all zeros.
void classify(host::SkbContext& s, const u8* eth, u32 payload) {
  const bool own = std::all_of(eth, eth + 6, [](u8 b) { return b == 0; });
  s.pkt_type = eth[0] & 1 ? PACKET_MULTICAST : own ? PACKET_HOST : PACKET_OTHERHOST;
  const u16 proto = load_unaligned<u16>(eth + 12);
  if (__builtin_bswap16(proto) >= 0x600)
    s.protocol = proto;
  else
    s.protocol = payload >= 2 && load_unaligned<u16>(eth + kEthHeader) == 0xffff ? 0x0100 : 0x0400;
}

// What a caller may say in the context; every other byte must be zero.
Status check_context(const __sk_buff& c) {
  struct Range {
    size_t begin, end;
  };
#define OSMIA_FIELD(first, last)                                                    \
  Range {                                                                           \
    offsetof(__sk_buff, first), offsetof(__sk_buff, last) + sizeof(__sk_buff::last) \
  }
  const Range allowed[] = {
      OSMIA_FIELD(mark, mark),       OSMIA_FIELD(priority, ifindex),  OSMIA_FIELD(cb, cb),
      OSMIA_FIELD(tstamp, gso_segs), OSMIA_FIELD(gso_size, gso_size), OSMIA_FIELD(hwtstamp, hwtstamp)};
#undef OSMIA_FIELD
  const u8* bytes = reinterpret_cast<const u8*>(&c);
  for (size_t i = 0; i < sizeof c; i++) {
    const bool may = std::any_of(std::begin(allowed), std::end(allowed),
                                 [&](const Range& r) { return i >= r.begin && i < r.end; });
    if (!may && bytes[i])
      return Error{EINVAL, "context: expected zero at byte " + std::to_string(i) + " of __sk_buff"};
  }
  return Ok{};
}

Status apply_context(host::SkbContext& s, const __sk_buff& c) {
  OSMIA_TRY(check_context(c));
  s.mark = c.mark;
  s.priority = c.priority;
  s.ingress_ifindex = c.ingress_ifindex;
  s.tstamp = c.tstamp;
  std::memcpy(s.cb, c.cb, sizeof s.cb);
  if (c.wire_len && (c.wire_len < s.len || c.wire_len > kGsoMaxSize))
    return invalid("context: wire_len out of range");
  s.wire_len = c.wire_len ? c.wire_len : s.len;
  if (c.gso_segs > kGsoMaxSegs) return invalid("context: gso_segs out of range");
  s.gso_segs = c.gso_segs;
  s.gso_size = c.gso_size & 0xffff;
  s.hwtstamp = c.hwtstamp;
  return Ok{};
}

u32 network_checksum(const host::SkbContext& s) {
  return host::csum_partial(reinterpret_cast<const void*>(s.network_header),
                            s.data + s.len - s.network_header, 0);
}

}  // namespace

Result<TestRunResult> test_run_skb(Kernel&, Program& p, const TestRunRequest& r) {
  const u32 size = static_cast<u32>(r.data_in.size());
  if (r.flags & ~kChecksumComplete || r.cpu || r.batch_size)
    return invalid("flags, cpu or batch_size: not possible for this type");
  if (size < kEthHeader) return invalid("data_in: expected at least an Ethernet header");
  if (size > kPage - kPad - kSharedInfo) return invalid("data_in: larger than a page holds");
  OSMIA_ASSIGN(ContextBytes ctx, context_in(r, sizeof(__sk_buff)));
  __sk_buff given{};
  if (ctx.has) std::memcpy(&given, ctx.bytes.data(), sizeof given);
  const Layer layer = layer_of(p.desc.type);

  // Not zeroed as a whole: helpers clear what they add.
  thread_local const std::unique_ptr<u8[]> buffer(new u8[kBuffer]);
  host::SkbContext s;
  s.head = reinterpret_cast<u64>(buffer.get());
  s.tail_limit = s.head + kBuffer;
  u8* eth = buffer.get() + kMaxSkb;
  std::copy(r.data_in.begin(), r.data_in.end(), eth);
  s.mac_header = reinterpret_cast<u64>(eth);
  s.network_header = s.mac_header + kEthHeader;
  s.ifindex = 1;
  if (given.ifindex > 1) {
    if (!device_exists(given.ifindex)) return Error{ENODEV, "context: no such ifindex"};
    s.ifindex = given.ifindex;
  }
  const u32 payload = size - kEthHeader;
  classify(s, eth, payload);
  const u8* net = eth + kEthHeader;
  if (s.protocol == kIpv4) {
    if (payload < 20) return invalid("data_in: expected an IPv4 header after the Ethernet header");
    s.family = 2;
    s.local_ip4 = load_unaligned<u32>(net + 12);
    s.remote_ip4 = load_unaligned<u32>(net + 16);
  } else if (s.protocol == kIpv6) {
    if (payload < 40) return invalid("data_in: expected an IPv6 header after the Ethernet header");
    s.family = 10;
    std::memcpy(s.local_ip6, net + 8, 16);
    std::memcpy(s.remote_ip6, net + 24, 16);
  }
  // Every packet belongs to a socket of no protocol, which has the packet's addresses.
  host::Socket socket;
  socket.family = s.family;
  socket.src_ip4 = s.local_ip4;
  socket.dst_ip4 = s.remote_ip4;
  std::memcpy(socket.src_ip6, s.local_ip6, sizeof socket.src_ip6);
  std::memcpy(socket.dst_ip6, s.remote_ip6, sizeof socket.dst_ip6);
  s.sk = reinterpret_cast<u64>(&socket);
  s.data = layer == Layer::kLink ? s.mac_header : s.network_header;
  s.len = layer == Layer::kLink ? size : payload;
  if (layer != Layer::kNetwork) {
    s.data_end = s.data + s.len;
    s.data_meta = s.data;
  }
  if (ctx.has) OSMIA_TRY(apply_context(s, given));
  if (r.flags & kChecksumComplete) {
    s.csum = network_checksum(s);
    s.ip_summed = kSummedComplete;
  }
  OSMIA_TRY(check_executable(p));

  TestRunResult out;
  timed_runs(p, &s, r.repeat, out);
  if (r.flags & kChecksumComplete && host::csum_fold(s.csum) != host::csum_fold(network_checksum(s)))
    return Error{EBADMSG, "the packet no longer fits its checksum"};
  if (layer != Layer::kLink) out.data_out.resize(kEthHeader);
  out.data_out.insert(out.data_out.end(), reinterpret_cast<u8*>(s.data),
                      reinterpret_cast<u8*>(s.data) + s.len);
  if (ctx.has) {
    given.mark = s.mark;
    given.priority = s.priority;
    given.ingress_ifindex = s.ingress_ifindex;
    given.ifindex = s.ifindex;
    given.tstamp = s.tstamp;
    std::memcpy(given.cb, s.cb, sizeof s.cb);
    given.wire_len = s.wire_len;
    given.gso_segs = s.gso_segs;
    given.hwtstamp = s.hwtstamp;
    out.ctx_out.resize(sizeof given);
    std::memcpy(out.ctx_out.data(), &given, sizeof given);
  }
  return out;
}

}  // namespace osmia::runtime
