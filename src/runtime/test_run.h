// Test runs (BPF_PROG_TEST_RUN) as data: what the caller gives and what comes back. One function per program
// type, registered with the Kernel; a type without one answers ENOTSUPP (524) as Linux does.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "host/effects.h"

namespace osmia::runtime {

class Kernel;
class Program;

// What became of an XDP frame on one of its ways out.
struct FrameHop {
  enum class End : u8 { kSent, kToStack, kRedirected, kDropped, kTooLong };
  host::Redirect way;   // to one device or CPU, never to all of a map
  std::string program;  // the one in the map's element; empty: none
  u32 action = 0;       // what it returned
  End end = End::kSent;
};

struct TestRunRequest {
  std::vector<u8> data_in;
  std::vector<u8> ctx_in;
  u32 data_out_capacity =
      0;  // bytes that the caller has room for; what is longer is cut and answered with ENOSPC
  bool wants_data_out = false;
  u32 ctx_out_capacity = 0;
  bool wants_ctx_out = false;
  u32 repeat = 0;  // 0 counts as 1
  u32 flags = 0;   // BPF_F_TEST_*
  u32 cpu = 0;
  u32 batch_size = 0;
  bool has_data_in = false, has_ctx_in = false;
  // The caller's memory, for contexts that point into it; 0 or -EFAULT. Null: it cannot be reached.
  int (*copy_in)(void* to, u64 from, u64 bytes) = nullptr;
  int (*copy_out)(u64 to, const void* from, u64 bytes) = nullptr;
  bool follow = false;  // XDP: the last repetition's frame goes on, through the programs in map elements
};
struct TestRunResult {
  u32 retval = 0;
  u32 duration_ns = 0;         // average of one repetition
  std::vector<u8> data_out;    // whole
  std::vector<u8> ctx_out;     // whole
  host::Redirect redirect;     // of the last repetition; counts if retval says that it redirects
  std::vector<FrameHop> hops;  // XDP with `follow`: one for every copy of the frame and every map on its way
  std::vector<u8> ctx_in_out;  // syscall programs: what goes back to where ctx_in came from
  std::vector<std::pair<std::string_view, s64>> shown;  // what else runs of Osmia's own have to tell
};
// Errors: the errno of Linux's test run (EINVAL, ENOMEM, ENOTSUPP …).
using TestRunFn = Result<TestRunResult> (*)(Kernel&, Program&, const TestRunRequest&);

}  // namespace osmia::runtime
