// What the test run of each program type is given and what its answer means to people: where the packet is in
// the output, and what else came back (flow keys, context fields, metadata).
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/kernel.h"

namespace osmia::cli {

struct RunInput {
  std::vector<u8> data, ctx;  // ctx: the user's own bytes
  bool has_data = false, has_ctx = false;
  u32 ifindex = 0;  // device that the packet comes in by; 0 = the type's default
  u32 repeat = 1;
};
// Errors: an ifindex for a type that sees no device.
Result<runtime::TestRunRequest> request_for(const runtime::Program& program, RunInput input);

struct RunView {
  bool has_packet = false, changed = false;
  std::vector<u8> packet;  // from the Ethernet header on, without metadata
  u32 metadata = 0;        // bytes before it that the program left (XDP)
};
RunView view_of(const runtime::Program& program, const runtime::TestRunRequest& request,
                const runtime::TestRunResult& result);

// One line each: the flow keys of a dissector, the context's fields that changed, a syscall program's
// context.
std::string details_text(const runtime::Program& program, const runtime::TestRunRequest& request,
                         const runtime::TestRunResult& result, bool user_ctx);
nlohmann::ordered_json details_json(const runtime::Program& program, const runtime::TestRunRequest& request,
                                    const runtime::TestRunResult& result, bool user_ctx);

}  // namespace osmia::cli
