// Headers are read here as a receiver would; the frame's destination is the local end.
#include "cli/stream_input.h"

#include <linux/bpf.h>

#include <cstring>

#include "base/bits.h"

namespace osmia::cli {
namespace {

constexpr u32 kEthHeader = 14, kUdpHeader = 8, kTcpHeader = 20;
constexpr u16 kIpv4 = 0x0800, kIpv6 = 0x86dd;
constexpr u8 kTcp = 6, kUdp = 17;

struct Flow {
  u16 eth_protocol = 0;
  u8 protocol = 0;
  const u8* source = nullptr;
  const u8* destination = nullptr;
  size_t transport = 0, payload = 0, end = 0;
};

// False: no whole TCP or UDP packet.
bool parse(const std::vector<u8>& f, Flow& out) {
  if (f.size() < kEthHeader) return false;
  out.eth_protocol = __builtin_bswap16(load_unaligned<u16>(&f[12]));
  const u8* ip = f.data() + kEthHeader;
  const size_t room = f.size() - kEthHeader;
  if (out.eth_protocol == kIpv4 && room >= 20) {
    const u32 header = (ip[0] & 15) * 4u, total = __builtin_bswap16(load_unaligned<u16>(ip + 2));
    const u16 fragment = __builtin_bswap16(load_unaligned<u16>(ip + 6)) & 0x3fff;
    if (header < 20 || fragment || total < header || total > room) return false;
    out.protocol = ip[9];
    out.source = ip + 12, out.destination = ip + 16;
    out.transport = kEthHeader + header, out.end = kEthHeader + total;
  } else if (out.eth_protocol == kIpv6 && room >= 40) {
    const u32 length = __builtin_bswap16(load_unaligned<u16>(ip + 4));
    if (40 + length > room) return false;
    out.protocol = ip[6];
    out.source = ip + 8, out.destination = ip + 24;
    out.transport = kEthHeader + 40, out.end = kEthHeader + 40 + length;
  } else {
    return false;
  }
  u32 header = kUdpHeader;
  if (out.protocol == kTcp) {
    if (out.end - out.transport < kTcpHeader) return false;
    header = (f[out.transport + 12] >> 4) * 4u;
    if (header < kTcpHeader) return false;
  } else if (out.protocol != kUdp) {
    return false;
  }
  if (out.end - out.transport < header) return false;
  out.payload = out.transport + header;
  return true;
}

template <class Context>
std::vector<u8> ends(const Flow& flow, const u8* ports) {
  Context c{};
  c.family = flow.eth_protocol == kIpv4 ? 2 : 10;
  if (flow.eth_protocol == kIpv4) {
    c.remote_ip4 = load_unaligned<u32>(flow.source);
    c.local_ip4 = load_unaligned<u32>(flow.destination);
  } else {
    std::memcpy(c.remote_ip6, flow.source, 16);
    std::memcpy(c.local_ip6, flow.destination, 16);
  }
  c.remote_port = u32{load_unaligned<u16>(ports)} << 16;  // network order, as a word of 32 bits
  c.local_port = __builtin_bswap16(load_unaligned<u16>(ports + 2));
  std::vector<u8> bytes(sizeof c);
  std::memcpy(bytes.data(), &c, sizeof c);
  return bytes;
}

}  // namespace

bool sees_socket_data(const runtime::Program& p) {
  const u32 t = p.desc.type;
  return t == BPF_PROG_TYPE_SK_SKB || t == BPF_PROG_TYPE_SK_MSG || t == BPF_PROG_TYPE_SK_REUSEPORT;
}

Result<RunInput> socket_input(const runtime::Program& p, RunInput in) {
  Flow flow;
  if (!parse(in.data, flow)) return Error{EINVAL, "expected a whole TCP or UDP packet"};
  const u8* ports = &in.data[flow.transport];
  size_t from = flow.payload;
  if (p.desc.type == BPF_PROG_TYPE_SK_REUSEPORT) {
    from = flow.transport;
    sk_reuseport_md c{};
    c.eth_protocol = __builtin_bswap16(flow.eth_protocol);
    c.ip_protocol = flow.protocol;
    in.ctx.resize(sizeof c);
    std::memcpy(in.ctx.data(), &c, sizeof c);
  } else {
    if (from == flow.end) return Error{EINVAL, "expected a packet with payload"};
    in.ctx =
        p.desc.type == BPF_PROG_TYPE_SK_MSG ? ends<sk_msg_md>(flow, ports) : ends<__sk_buff>(flow, ports);
  }
  in.has_ctx = true;
  in.data = std::vector<u8>(in.data.begin() + static_cast<std::ptrdiff_t>(from),
                            in.data.begin() + static_cast<std::ptrdiff_t>(flow.end));
  return in;
}

}  // namespace osmia::cli
