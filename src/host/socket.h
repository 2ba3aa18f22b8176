// Sockets as programs see them: the UAPI's structs byte for byte, so that field accesses need no conversion.
// They belong to test runs, or stand for real or given sockets that were looked up (host/sockets.h). Source:
// UAPI struct bpf_sock and bpf_tcp_sock.
#pragma once
#include <linux/bpf.h>

#include <functional>
#include <vector>

#include "base/types.h"

namespace osmia::host {

inline constexpr u32 kTcpClose = 7, kTcpTimeWait = 6, kTcpListen = 10, kTcpNewSynRecv = 12;

struct Socket {
  u32 bound_dev_if = 0, family = 0, type = 0, protocol = 0, mark = 0, priority = 0;
  u32 src_ip4 = 0, src_ip6[4] = {}, src_port = 0;  // addresses in network order, src_port in host order
  u16 dst_port = 0, pad = 0;                       // network order
  u32 dst_ip4 = 0, dst_ip6[4] = {};
  u32 state = kTcpClose;
  s32 rx_queue_mapping = -1;
  // Behind what programs see: the UAPI's struct bpf_tcp_sock of a TCP socket, or 0.
  u64 tcp = 0;
  u64 cookie = 0;  // given out when it is first asked for
  bool ipv6_only = false, reuseport = false;
  bool looked_up = false;  // host/sockets.h owns it and counts its references
  u32 references = 0;      // under the lock of host/sockets.cpp
  bpf_tcp_sock tcp_fields{};
  // What is to be done when the socket goes: its local storage.
  std::vector<std::function<void()>> at_end;

  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    for (auto& end : at_end) end();
  }

  // A request socket or one in TIME_WAIT is no full one.
  bool full() const { return state != kTcpTimeWait && state != kTcpNewSynRecv; }
};

// Context of an sk_lookup program: the UAPI's, its first word the chosen socket.
struct SkLookupContext {
  bpf_sk_lookup fields{};
  bool no_reuseport = false;  // BPF_SK_LOOKUP_F_NO_REUSEPORT with the last choice
};

}  // namespace osmia::host
