// Frames written by hand, one a protocol.
#include "packets.h"

#include "runtime/catalog.h"

namespace osmia::classic_test {
namespace {

using Bytes = std::vector<u8>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Bytes be16(u32 v) {
  return {static_cast<u8>(v >> 8), static_cast<u8>(v)};
}
Bytes eth(u32 type, u8 first = 0x02) {
  return Bytes{first, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2} + be16(type);
}
Bytes vlan(u32 tag, u32 type) {
  return be16(tag) + be16(type);
}
Bytes ipv4(u8 protocol, u32 payload, u32 fragment = 0, u8 options = 0) {
  Bytes h{static_cast<u8>(0x45 + options), 0x10};
  h = h + be16(20u + 4u * options + payload) + be16(0x1234) + be16(fragment) + Bytes{64, protocol, 0, 0};
  h = h + Bytes{10, 0, 0, 1} + Bytes{192, 168, 1, 20};
  return h + Bytes(options * 4u, 1);
}
Bytes ipv6(u8 next, u32 payload) {
  Bytes source(16), destination(16);
  source[0] = destination[0] = 0xfe;
  source[1] = destination[1] = 0x80;
  source[15] = 1;
  destination[15] = 2;
  return Bytes{0x60, 0, 0, 0} + be16(payload) + Bytes{next, 64} + source + destination;
}
Bytes tcp(u32 from, u32 to, u8 flags = 0x02, u8 words = 5) {
  return be16(from) + be16(to) + Bytes{0, 0, 0, 1, 0, 0, 0, 0, static_cast<u8>(words << 4), flags} +
         be16(1024) + Bytes(4) + Bytes(words * 4u - 20u, 1);
}
Bytes udp(u32 from, u32 to, u32 payload) {
  return be16(from) + be16(to) + be16(8 + payload) + be16(0) + Bytes(payload, 0x61);
}
Bytes icmp(u8 type, u8 code = 0) {
  return Bytes{type, code, 0, 0, 0, 1, 0, 2} + Bytes(24, 0x55);
}

std::vector<Bytes> frames() {
  const Bytes t80 = tcp(40000, 80) + Bytes(30, 'x'), u53 = udp(53, 5353, 40);
  const u32 tn = static_cast<u32>(t80.size()), un = static_cast<u32>(u53.size());
  return {
      eth(0x0800) + ipv4(6, tn) + t80,
      eth(0x0800) + ipv4(6, tn, 0, 3) + t80,
      eth(0x0800) + ipv4(6, 20) + tcp(22, 51000, 0x12),
      eth(0x0800) + ipv4(6, 32) + tcp(443, 6005, 0x18, 8),
      eth(0x0800) + ipv4(17, un) + u53,
      eth(0x0800) + ipv4(17, un, 0x2000) + u53,           // first fragment
      eth(0x0800) + ipv4(17, un, 0x0010) + Bytes(40, 7),  // another one
      eth(0x0800) + ipv4(1, 32) + icmp(8),
      eth(0x0800) + ipv4(1, 32) + icmp(3, 1),
      eth(0x0800, 0x01) + ipv4(2, 8) + Bytes{0x16, 0, 0, 0, 224, 0, 0, 1},
      eth(0x0800) + ipv4(132, 12) + be16(5000) + be16(80) + Bytes(8),
      eth(0x0800) + ipv4(47, 24) + Bytes{0, 0, 8, 0} + ipv4(6, 0),
      eth(0x0800) + ipv4(50, 16) + Bytes(16, 9),
      eth(0x0800) + ipv4(4, 40) + ipv4(6, 20) + tcp(1, 2),
      eth(0x86dd) + ipv6(6, tn) + t80,
      eth(0x86dd) + ipv6(17, un) + u53,
      eth(0x86dd) + ipv6(58, 32) + icmp(135),
      eth(0x86dd) + ipv6(0, 40) + Bytes{6, 0, 1, 4, 0, 0, 0, 0} + tcp(40000, 80),
      eth(0x86dd) + ipv6(44, 28) + Bytes{6, 0, 0, 1, 0, 0, 0, 9} + tcp(40000, 80),
      eth(0x8100) + vlan(0x2064, 0x0800) + ipv4(6, tn) + t80,
      eth(0x88a8) + vlan(0x0005, 0x8100) + vlan(0x0064, 0x86dd) + ipv6(17, un) + u53,
      eth(0x8847) + Bytes{0, 0x06, 0x41, 64} + ipv4(6, tn) + t80,
      eth(0x8847) + Bytes{0, 0x06, 0x40, 64} + Bytes{0, 0x3e, 0x81, 64} + ipv4(17, un) + u53,
      eth(0x8864) + Bytes{0x11, 0, 0, 7} + be16(tn + 22) + be16(0x21) + ipv4(6, tn) + t80,
      eth(0x0806, 0xff) + Bytes{0, 1, 8, 0, 6, 4, 0, 1} + Bytes(20, 3),
      eth(0x8035) + Bytes(28, 1),
      eth(38) + Bytes{0x42, 0x42, 3} + Bytes(35),
      eth(60) + Bytes{0xff, 0xff} + Bytes(58),
      eth(0x88cc, 0x01) + Bytes(40, 2),
  };
}

}  // namespace

const std::vector<cli::Packet>& packets() {
  static const std::vector<cli::Packet> all = [] {
    std::vector<cli::Packet> out;
    auto capture = cli::read_capture(OSMIA_SOURCE_DIR "/examples/captures/http_dns.pcap");
    if (capture.ok()) out = std::move(*capture);
    for (const Bytes& frame : frames()) {
      const u32 wire = static_cast<u32>(frame.size());
      for (const u32 cut : {wire, 0u, 1u, 13u, 14u, 20u, 34u, 37u, 54u})
        if (cut <= wire) out.push_back({{frame.begin(), frame.begin() + cut}, 0, 0, wire});
    }
    return out;
  }();
  return all;
}

std::unique_ptr<runtime::Kernel> kernel_with(runtime::JitMode jit) {
  auto kernel = std::make_unique<runtime::Kernel>(runtime::build_catalog());
  runtime::install_engine(*kernel);
  kernel->jit = jit;
  return kernel;
}

}  // namespace osmia::classic_test
