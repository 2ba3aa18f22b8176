// Routes, neighbours and devices from a file: what iproute2 prints, as text or JSON.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "host/network.h"

namespace osmia::cli {

// Text: the lines of `ip route`, `ip -6 route`, `ip neigh`, `ip link` or `ip addr`, and of `sysctl` for
// net.ipv4.conf.DEV.forwarding, one after the other in any order. JSON: an array of what their -json forms
// print, or an object of such arrays. Devices that only routes name get the next free
// index, from 2 on; lo is 1. Errors: one line with the file, the line and what is wrong.
Result<std::shared_ptr<const host::Network>> read_network(const std::string& path);

}  // namespace osmia::cli
