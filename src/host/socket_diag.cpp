// Asking the machine for sockets: exact requests of NETLINK_SOCK_DIAG, which use the kernel's own look-up
// (connections, listeners, reuseport groups, attached sk_lookup programs). Sources: UAPI linux/inet_diag.h,
// sock_diag(7). A netlink socket lives for one question, so that the answer is of the namespace of now.
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/bits.h"
#include "host/socket.h"
#include "host/socket_facts.h"

namespace osmia::host {
namespace {

constexpr u32 kTimeWaitTimer = 3, kSynReceived = 3;

template <class T>
bool option(int fd, int level, int name, T& value) {
  socklen_t n = sizeof value;
  return !getsockopt(fd, level, name, &value, &n);
}

struct Request {
  nlmsghdr header;
  inet_diag_req_v2 body;
};
Request request_for(const SocketQuery& q) {
  Request r{};
  r.header = {sizeof r, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 0, 0};
  r.body.sdiag_family = static_cast<u8>(q.family);
  r.body.sdiag_protocol = static_cast<u8>(q.protocol);
  // The traffic class brings the priority with it.
  r.body.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_TCLASS - 1);
  r.body.idiag_states = ~0u;
  auto& id = r.body.id;
  // For UDP the kernel takes "source" for the sender of the packet, for TCP it means the socket's own end.
  const bool udp = q.protocol == kProtocolUdp;
  std::memcpy(udp ? id.idiag_src : id.idiag_dst, q.remote.data(), sizeof id.idiag_src);
  std::memcpy(udp ? id.idiag_dst : id.idiag_src, q.local.data(), sizeof id.idiag_src);
  (udp ? id.idiag_sport : id.idiag_dport) = __builtin_bswap16(q.remote_port);
  (udp ? id.idiag_dport : id.idiag_sport) = __builtin_bswap16(q.local_port);
  id.idiag_if = q.device;
  id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return r;
}

// One request, one answer: the bytes behind its header; empty on any failure (ENOENT: no such socket).
std::vector<u8> exchange(const Request& r) {
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return {};
  std::vector<u8> answer(4096);
  ssize_t n = send(fd, &r, sizeof r, 0);
  if (n == sizeof r) n = recv(fd, answer.data(), answer.size(), 0);
  ::close(fd);
  nlmsghdr h{};
  if (n < static_cast<ssize_t>(sizeof h)) return {};
  std::memcpy(&h, answer.data(), sizeof h);
  if (h.nlmsg_type != SOCK_DIAG_BY_FAMILY || h.nlmsg_len > static_cast<size_t>(n) ||
      h.nlmsg_len < NLMSG_HDRLEN + sizeof(inet_diag_msg))
    return {};
  return {answer.begin() + NLMSG_HDRLEN, answer.begin() + h.nlmsg_len};
}

// What struct tcp_info tells of struct bpf_tcp_sock; sequence numbers and rates it does not tell stay 0.
bpf_tcp_sock tcp_fields(const tcp_info& i) {
  constexpr u32 kEcnOk = 1, kEcnSeen = 8, kNeverMeasured = ~0u, kNoThreshold = 0x7fffffff,
                kDefaultSegment = 536;
  bpf_tcp_sock t{};
  t.snd_cwnd = i.tcpi_snd_cwnd;
  if (i.tcpi_state == kTcpListen) {  // its counters mean the queue of connections; the rest is as created
    t.rtt_min = kNeverMeasured;
    t.snd_ssthresh = kNoThreshold;
    t.mss_cache = kDefaultSegment;
    return t;
  }
  t.srtt_us = i.tcpi_rtt << 3;
  t.rtt_min = i.tcpi_min_rtt;
  t.snd_ssthresh = i.tcpi_snd_ssthresh;
  t.mss_cache = i.tcpi_snd_mss;
  t.ecn_flags =
      (i.tcpi_options & TCPI_OPT_ECN ? kEcnOk : 0) | (i.tcpi_options & TCPI_OPT_ECN_SEEN ? kEcnSeen : 0);
  t.packets_out = i.tcpi_unacked;
  t.retrans_out = i.tcpi_retrans;
  t.total_retrans = i.tcpi_total_retrans;
  t.segs_in = i.tcpi_segs_in;
  t.data_segs_in = i.tcpi_data_segs_in;
  t.segs_out = i.tcpi_segs_out;
  t.data_segs_out = i.tcpi_data_segs_out;
  t.lost_out = i.tcpi_lost;
  t.sacked_out = i.tcpi_sacked;
  t.bytes_received = i.tcpi_bytes_received;
  t.bytes_acked = i.tcpi_bytes_acked;
  t.dsack_dups = i.tcpi_dsack_dups;
  t.delivered = i.tcpi_delivered;
  t.delivered_ce = i.tcpi_delivered_ce;
  t.icsk_retransmits = i.tcpi_retransmits;
  return t;
}

SocketFacts facts_of(const inet_diag_msg& m, u32 protocol) {
  SocketFacts f;
  f.family = m.idiag_family;
  f.protocol = protocol;
  f.state = m.idiag_timer == kTimeWaitTimer ? kTcpTimeWait : m.idiag_state;
  std::memcpy(f.local.data(), m.id.idiag_src, sizeof f.local);
  std::memcpy(f.remote.data(), m.id.idiag_dst, sizeof f.remote);
  f.local_port = __builtin_bswap16(m.id.idiag_sport);
  f.remote_port = __builtin_bswap16(m.id.idiag_dport);
  f.device = m.id.idiag_if;
  f.uid = m.idiag_uid;
  f.cookie = m.id.idiag_cookie[0] | u64{m.id.idiag_cookie[1]} << 32;
  return f;
}

// The attributes behind the message. Request and TIME_WAIT sockets have none but the mark.
void add_attributes(SocketFacts& f, const u8* at, size_t size) {
  bool whole = false;
  while (size >= sizeof(nlattr)) {
    nlattr a;
    std::memcpy(&a, at, sizeof a);
    if (a.nla_len < NLA_HDRLEN || a.nla_len > size) break;
    const u8* value = at + NLA_HDRLEN;
    const size_t n = a.nla_len - NLA_HDRLEN;
    switch (a.nla_type & NLA_TYPE_MASK) {
      case INET_DIAG_SHUTDOWN: whole = true; break;
      case INET_DIAG_MARK: f.mark = n >= 4 ? load_unaligned<u32>(value) : 0; break;
      case INET_DIAG_CLASS_ID: f.priority = n >= 4 ? load_unaligned<u32>(value) : 0; break;
      case INET_DIAG_SKV6ONLY: f.ipv6_only = n && *value; break;
      case INET_DIAG_INFO: {
        tcp_info info{};
        std::memcpy(&info, value, std::min(n, sizeof info));
        f.tcp = tcp_fields(info);
        break;
      }
      default: break;
    }
    const size_t step = std::min<size_t>(NLA_ALIGN(a.nla_len), size);
    at += step;
    size -= step;
  }
  if (f.state == kSynReceived && !whole) f.state = kTcpNewSynRecv;
}

}  // namespace

std::optional<SocketFacts> ask_machine(const SocketQuery& q) {
  const std::vector<u8> answer = exchange(request_for(q));
  if (answer.empty()) return std::nullopt;
  inet_diag_msg m;
  std::memcpy(&m, answer.data(), sizeof m);
  SocketFacts f = facts_of(m, q.protocol);
  constexpr size_t kBody = NLMSG_ALIGN(sizeof m);
  if (answer.size() > kBody) add_attributes(f, answer.data() + kBody, answer.size() - kBody);
  return f;
}

std::optional<SocketFacts> facts_of_descriptor(int fd) {
  SocketFacts f;
  int domain = 0, protocol = 0, v6only = 0, state = static_cast<int>(kTcpClose);
  if (!option(fd, SOL_SOCKET, SO_DOMAIN, domain) || !option(fd, SOL_SOCKET, SO_PROTOCOL, protocol) ||
      !option(fd, SOL_SOCKET, SO_COOKIE, f.cookie))
    return std::nullopt;
  f.family = static_cast<u16>(domain);
  f.protocol = static_cast<u32>(protocol);
  if ((f.family != kFamilyInet && f.family != kFamilyInet6) ||
      (f.protocol != kProtocolTcp && f.protocol != kProtocolUdp))
    return std::nullopt;
  const auto end = [&](bool own, SocketAddress& address, u16& port) {
    // struct sockaddr_in: port at 2, address at 4; struct sockaddr_in6: port at 2, address at 8.
    alignas(8) u8 name[28] = {};
    socklen_t n = sizeof name;
    auto* to = reinterpret_cast<sockaddr*>(name);
    if (own ? getsockname(fd, to, &n) : getpeername(fd, to, &n)) return false;
    port = __builtin_bswap16(load_unaligned<u16>(name + 2));
    std::memcpy(address.data(), name + (f.family == kFamilyInet ? 4 : 8), f.family == kFamilyInet ? 4 : 16);
    return true;
  };
  end(true, f.local, f.local_port);
  const bool peer = end(false, f.remote, f.remote_port);
  option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, f.device);
  option(fd, SOL_SOCKET, SO_MARK, f.mark);
  option(fd, SOL_SOCKET, SO_PRIORITY, f.priority);
  if (f.family == kFamilyInet6 && option(fd, 41 /* IPPROTO_IPV6 */, 26 /* IPV6_V6ONLY */, v6only))
    f.ipv6_only = v6only != 0;
  int reuseport = 0;
  f.reuseport = option(fd, SOL_SOCKET, SO_REUSEPORT, reuseport) && reuseport;
  f.uid = geteuid();
  if (f.protocol == kProtocolTcp) {
    tcp_info info{};
    if (option(fd, 6, TCP_INFO, info)) {
      state = info.tcpi_state;
      f.tcp = tcp_fields(info);
    }
  } else if (peer) {
    state = 1;  // a connected UDP socket says TCP_ESTABLISHED
  }
  f.state = static_cast<u32>(state);
  return f;
}

}  // namespace osmia::host
