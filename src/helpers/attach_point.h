// The attach point that the program of this thread runs at, for the helpers that ask about it. The words in
// front of a tracing program's context are Linux's: the function's address at -2, the number of argument
// words at -1; the return value lies behind the arguments.
#pragma once
#include "base/types.h"

namespace osmia::helpers {

struct AttachPoint {
  u64 address = 0;  // of the probed function, as /proc/kallsyms has it
  bool may_override = false;
  bool overridden = false;  // then the function does not run, and gives `value`
  u64 value = 0;
};
// Null where no probe runs.
extern constinit thread_local AttachPoint* t_attach_point;

}  // namespace osmia::helpers
