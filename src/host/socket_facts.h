// What is known of a socket, and the question that finds one, as plain data. Facts come from the machine
// (socket_diag.cpp) or from a given list; they say the state of one moment.
#pragma once
#include <linux/bpf.h>

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "base/types.h"

namespace osmia::host {

inline constexpr u32 kProtocolTcp = 6, kProtocolUdp = 17;
inline constexpr u16 kFamilyInet = 2, kFamilyInet6 = 10;

// An address as the kernel keeps it: four words in network order, IPv4 in the first.
using SocketAddress = std::array<u32, 4>;

struct SocketFacts {
  u16 family = kFamilyInet;
  u32 protocol = kProtocolTcp;
  u32 state = 7;  // TCP_*; of a connection request TCP_NEW_SYN_RECV
  SocketAddress local{}, remote{};
  u16 local_port = 0, remote_port = 0;  // host order
  u32 device = 0, mark = 0, priority = 0, uid = 0;
  u64 cookie = 0;
  bool ipv6_only = false;
  bool reuseport = false;  // only of descriptors: look-ups do not tell
  bpf_tcp_sock tcp{};

  bool connected() const { return remote_port != 0; }
};

// "Who would get a packet that goes from remote to local, and came in by this device?"
struct SocketQuery {
  u32 protocol = kProtocolTcp;
  u16 family = kFamilyInet;
  SocketAddress local{}, remote{};
  u16 local_port = 0, remote_port = 0;  // host order
  u32 device = 0;                       // 0: none
};

// Sockets that the user said there are, asked in place of the machine's.
struct SocketList {
  std::vector<SocketFacts> sockets;
  // By Linux's rules: a connection of both ends, else the best listener or unconnected socket. Null: none.
  const SocketFacts* find(const SocketQuery& q) const;
};
// For all threads; call before programs run. Null: the machine's.
void set_sockets(std::shared_ptr<const SocketList> list);
std::shared_ptr<const SocketList> sockets();

// The machine's answer, by NETLINK_SOCK_DIAG in the calling process' network namespace; needs no privilege.
std::optional<SocketFacts> ask_machine(const SocketQuery& q);
// A socket of this process. Nothing if it is neither TCP nor UDP, or not a socket.
std::optional<SocketFacts> facts_of_descriptor(int fd);

}  // namespace osmia::host
