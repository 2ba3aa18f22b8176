// The system calls that this process makes through the library, as the tracepoints sys_enter and sys_exit see
// them (raw ones, and those of perf events). A call that libc makes by itself is seen by its public name's
// wrapper, or not at all.
#pragma once
#include <array>

#include "base/types.h"

namespace osmia::preload {

using CallArguments = std::array<u64, 6>;

// Around one call: programs at sys_enter run in the constructor, those at sys_exit in ended(). Calls that the
// library itself, or a running program, causes are not seen.
class SeenCall {
 public:
  SeenCall(long number, const CallArguments& arguments);
  ~SeenCall();
  SeenCall(const SeenCall&) = delete;
  SeenCall& operator=(const SeenCall&) = delete;

  // The result as libc gives it (-1 and errno); errno stays.
  template <class T>
  T ended(T result) {
    if (fires_) exit(static_cast<long>(result));
    return result;
  }

 private:
  void exit(long result);
  const long number_;
  const CallArguments arguments_;
  bool fires_;
};

}  // namespace osmia::preload
