// What a run of a control group's hook is about, for the helpers of such programs: a socket of this process,
// a sysctl, the value that the hook is to return. Set by whoever runs the program, on its thread, for the
// run.
#pragma once
#include <string>

#include "base/types.h"
#include "host/socket.h"

namespace osmia::host {

struct Sysctl {
  std::string name;  // "net/ipv4/tcp_mem"
  std::string current, next;
  bool writes = false, replaced = false;
};

struct HookRun {
  const Socket* socket = nullptr;  // the one that `fd` is behind
  int fd = -1;
  s32* retval = nullptr;
  Sysctl* sysctl = nullptr;
};
inline thread_local HookRun t_hook_run;

// The run's own for a scope.
class HookScope {
 public:
  explicit HookScope(const HookRun& r) : outer_(t_hook_run) { t_hook_run = r; }
  ~HookScope() { t_hook_run = outer_; }
  HookScope(const HookScope&) = delete;
  HookScope& operator=(const HookScope&) = delete;

 private:
  HookRun outer_;
};

}  // namespace osmia::host
