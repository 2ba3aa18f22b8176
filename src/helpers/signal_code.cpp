// What reaches out of the program into its process: signals, and writes to its memory. Both only where the
// host allows them (host::permitted), else -EPERM.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/effects.h"

namespace osmia::helpers::code {
namespace {

constexpr u32 kLastSignal = 64;

bool may_signal(u64 signal, u64& answer) {
  if (!host::permitted(host::Permission::kSignals) || host::own_tgid() == 1) {
    answer = result(-EPERM);
    return false;
  }
  answer = static_cast<u32>(signal) > kLastSignal ? result(-EINVAL) : 0;
  return !answer;
}

}  // namespace

u64 send_signal(u64 signal, u64, u64, u64, u64) {
  u64 answer;
  if (!may_signal(signal, answer)) return answer;
  return syscall(SYS_kill, host::own_tgid(), static_cast<int>(signal)) ? result(-errno) : 0;
}
u64 send_signal_thread(u64 signal, u64, u64, u64, u64) {
  u64 answer;
  if (!may_signal(signal, answer)) return answer;
  return syscall(SYS_tgkill, host::own_tgid(), host::own_tid(), static_cast<int>(signal)) ? result(-errno)
                                                                                          : 0;
}

u64 probe_write_user(u64 to, u64 from, u64 size, u64, u64) {
  if (!host::permitted(host::Permission::kWriteUser)) return result(-EPERM);
  const u32 n = static_cast<u32>(size);
  iovec source{reinterpret_cast<void*>(from), n}, target{reinterpret_cast<void*>(to), n};
  return process_vm_writev(getpid(), &source, 1, &target, 1, 0) == static_cast<ssize_t>(n) ? 0
                                                                                           : result(-EFAULT);
}

u64 copy_from_user_task(u64 to, u64 size, u64 from, u64 task, u64 flags) {
  const u32 n = static_cast<u32>(size);
  if (flags) return result(-EINVAL);
  if (!n) return 0;
  const auto object = host::object_at(task, host::ObjectKind::kTask);
  iovec target{reinterpret_cast<void*>(to), n}, source{reinterpret_cast<void*>(from), n};
  if (object && process_vm_readv(static_cast<pid_t>(static_cast<const host::Task&>(*object).tgid), &target, 1,
                                 &source, 1, 0) == static_cast<ssize_t>(n))
    return 0;
  std::memset(target.iov_base, 0, n);
  return result(-EFAULT);
}

// What the program was attached with; a test run attaches nothing.
u64 get_attach_cookie(u64, u64, u64, u64, u64) {
  return host::run_context().attach_cookie;
}

// No branch recorder is a process's to read: the kernel's answer on a machine without one.
u64 get_branch_snapshot(u64, u64, u64 flags, u64, u64) {
  return result(flags ? -EINVAL : -ENOENT);
}

}  // namespace osmia::helpers::code
