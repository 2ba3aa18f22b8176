// The kernel copies for us, so that a bad pointer is an errno here too.
#include "syscall/uaccess.h"

#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace osmia::syscall {
namespace {

thread_local pid_t t_user = 0;  // another process; 0: this one
std::atomic<u64> g_user_begin{0}, g_user_end{~u64{0}};

bool is_user_memory(u64 at, u64 n) {
  const u64 end = g_user_end.load(std::memory_order_relaxed);
  return at >= g_user_begin.load(std::memory_order_relaxed) && at <= end && n <= end - at;
}

// process_vm_* on ourselves: partial copies tell where the memory ends. Where the system forbids the call
// (some sandboxes), the pointer is trusted.
int vm_copy(bool read, void* local, u64 remote, u64 n) {
  if (!t_user && !is_user_memory(remote, n)) return -EFAULT;
  u8* l = static_cast<u8*>(local);
  static const pid_t initial = getpid();
  while (n) {
    const u64 chunk = std::min<u64>(n, 1u << 30);
    iovec a{l, chunk}, b{reinterpret_cast<void*>(remote), chunk};
    const pid_t whose = t_user ? t_user : initial == getpid() ? initial : getpid();
    const ssize_t done =
        read ? process_vm_readv(whose, &a, 1, &b, 1, 0) : process_vm_writev(whose, &a, 1, &b, 1, 0);
    if (done < 0 && !t_user && (errno == EPERM || errno == ENOSYS)) {
      if (read)
        std::memcpy(l, reinterpret_cast<void*>(remote), n);
      else
        std::memcpy(reinterpret_cast<void*>(remote), l, n);
      return 0;
    }
    if (done <= 0) return -EFAULT;
    l += done, remote += static_cast<u64>(done), n -= static_cast<u64>(done);
  }
  return 0;
}

}  // namespace

void set_user_process(int pid) {
  t_user = pid;
}
int user_process() {
  return t_user;
}

void restrict_user_memory(u64 begin, u64 end) {
  g_user_begin = begin;
  g_user_end = end;
}

int copy_from_user(void* to, u64 from, u64 n) {
  return n ? vm_copy(true, to, from, n) : 0;
}
int copy_to_user(u64 to, const void* from, u64 n) {
  return n ? vm_copy(false, const_cast<void*>(from), to, n) : 0;
}

long string_from_user(std::string& to, u64 from, u64 max) {
  to.clear();
  while (to.size() + 1 < max) {
    char buf[64];
    // Never across a page end in one go: the string may end just before memory does.
    const u64 n = std::min<u64>({sizeof buf, max - 1 - to.size(), 4096 - (from & 4095)});
    if (copy_from_user(buf, from, n)) return -EFAULT;
    const void* end = std::memchr(buf, 0, n);
    to.append(buf, end ? static_cast<u64>(static_cast<const char*>(end) - buf) : n);
    if (end) break;
    from += n;
  }
  return static_cast<long>(to.size());
}

int check_tail_zero(u64 from, u64 expected, u64 actual) {
  if (actual > 4096) return -E2BIG;
  if (actual <= expected) return 0;
  u8 tail[4096];
  if (copy_from_user(tail, from + expected, actual - expected)) return -EFAULT;
  return std::any_of(tail, tail + (actual - expected), [](u8 b) { return b != 0; }) ? -E2BIG : 0;
}

}  // namespace osmia::syscall
