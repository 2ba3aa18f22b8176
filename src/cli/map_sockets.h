// Sockets for socket maps: `--map-set 'NAME[KEY]=tcp'`. They are opened on loopback and live as long as the
// process; nothing is sent over them.
#pragma once
#include <optional>
#include <string>

#include "base/result.h"

namespace osmia::cli {

// The descriptor of a new socket: "tcp" (an established connection), "listen" (TCP), "udp" (bound); with "6"
// behind it on ::1; ":PORT" gives the port, 0 or none any. share: with SO_REUSEPORT. Nothing: `word` is none
// of these. Errors: EINVAL for the port, and what the system says (EADDRINUSE, EMFILE …).
std::optional<Result<int>> socket_for(const std::string& word, bool share);

}  // namespace osmia::cli
