// Where an XDP frame goes once its program has redirected it: through the programs in devmap and cpumap
// elements, as Linux's bulk queues and CPU threads do. Nothing leaves the process; programs run for real.
#pragma once
#include "host/packet.h"
#include "runtime/test_run.h"

namespace osmia::runtime {

inline constexpr u32 kXdpPage = 4096;  // of a frame's buffer, which begins at hard_start

// Follows the frame (its memory is used up) and says what became of it. A frame goes on only so often.
// Errors: EOPNOTSUPP, a program on its way cannot be run here.
Result<std::vector<FrameHop>> follow_frame(host::XdpContext& frame, const host::Redirect& way);

}  // namespace osmia::runtime
