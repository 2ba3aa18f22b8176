// What sk_msg and sk_reuseport programs see: the UAPI's structs byte for byte, with what helpers need behind
// them. Runs of these are Osmia's own: Linux has no test run for them.
#pragma once
#include <linux/bpf.h>

#include <cstddef>
#include <vector>

#include "base/types.h"
#include "host/packet.h"
#include "host/socket.h"

namespace osmia::host {

// A message on its way into a socket: bytes in parts, as Linux keeps them in a scatter list. The program sees
// the part (or what it pulled) between data and data_end. Invariant: the parts' sizes sum to size, which is
// how many bytes buffer holds.
struct MessageContext {
  u64 data = 0, data_end = 0;
  u32 family = 0, remote_ip4 = 0, local_ip4 = 0;
  u32 remote_ip6[4] = {}, local_ip6[4] = {};
  u32 remote_port = 0, local_port = 0;  // a word in network order; host order
  u32 size = 0;
  u64 sk = 0;
  // ---- not for programs
  u32 apply_bytes = 0, cork_bytes = 0;
  std::vector<u8> buffer;
  std::vector<u32> parts;
};
static_assert(offsetof(MessageContext, local_port) == offsetof(sk_msg_md, local_port) &&
              offsetof(MessageContext, sk) == offsetof(sk_msg_md, sk));

// A packet that one of the sockets of a group is chosen for.
struct ReuseportContext {
  u64 data = 0, data_end = 0;
  u32 len = 0, eth_protocol = 0, ip_protocol = 0, bind_inany = 0, hash = 0, pad = 0;
  u64 sk = 0, migrating_sk = 0;
  // ---- not for programs
  SkbContext* packet = nullptr;
};
static_assert(offsetof(ReuseportContext, hash) == offsetof(sk_reuseport_md, hash) &&
              offsetof(ReuseportContext, migrating_sk) == offsetof(sk_reuseport_md, migrating_sk));

}  // namespace osmia::host
