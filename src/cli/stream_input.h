// What programs of sockets are given of a captured frame: the payload of TCP or UDP, with the connection's
// ends in the context; for sk_reuseport the packet from its transport header on.
#pragma once
#include "cli/type_view.h"

namespace osmia::cli {

// Does the program see the data of sockets, not frames?
bool sees_socket_data(const runtime::Program& program);
// `input` with the frame's payload as data. Errors: EINVAL for a frame that has none (no IP, a fragment, no
// TCP or UDP, no payload).
Result<RunInput> socket_input(const runtime::Program& program, RunInput input);

}  // namespace osmia::cli
