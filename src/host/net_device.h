// Network devices as programs see them: those of the given network (host/network.h), or of the process's
// network namespace.
#pragma once
#include <optional>

#include "base/types.h"

namespace osmia::host {

struct NetDevice {
  u32 mtu = 0;              // bytes behind the link header
  u32 hard_header_len = 0;  // bytes of the link header
  bool forwarding = false;  // net.ipv4.conf.*.forwarding
};

// The device of that index, if there is one. Index 1 (loopback) is always there, but in a
// given network without it.
std::optional<NetDevice> net_device(u32 ifindex);

}  // namespace osmia::host
