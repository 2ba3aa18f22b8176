// Lists of sockets as text: what `ss -tuane` prints, with -i also the state of TCP.
#pragma once
#include <memory>
#include <string_view>

#include "base/result.h"
#include "host/socket_facts.h"

namespace osmia::host {

// One socket a line: tcp or udp, state, two queue lengths, local and peer address; then words as ss prints
// them, of which uid:, sk: (the cookie), fwmark:, class_id: (the priority), v6only:, and cwnd:, mss:, rtt:
// and their like of -i are taken, the others passed over. Lines that begin with white space go on with the
// socket before. Errors: EINVAL with the line and what is wrong in it.
Result<std::shared_ptr<const SocketList>> parse_sockets(std::string_view text);

}  // namespace osmia::host
