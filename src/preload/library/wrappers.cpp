// The functions that the library takes over. Each keeps libc's signature and errno; what is not about BPF
// goes on to the real one. They must work before the library's own constructors ran and while the Kernel is
// being made.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "preload/library/family.h"
#include "preload/library/iter_reads.h"
#include "preload/library/mappings.h"
#include "preload/library/state.h"
#include "preload/library/system_calls.h"
#include "syscall/bpf.h"
#include "syscall/fdinfo.h"
#include "syscall/fds.h"
#include "syscall/perf_events.h"
#include "syscall/tracepoint_events.h"

#define OSMIA_EXPORT extern "C" __attribute__((visibility("default")))

using namespace osmia;

namespace {

syscall::FdTable& fds() {
  return syscall::FdTable::of_process();
}

long raw(long nr, long a, long b, long c, long d, long e, long f) {
  static auto* real = preload::next<long (*)(long, ...)>("syscall");
  return real(nr, a, b, c, d, e, f);
}

bool trace_wanted() {
  static const bool on = std::getenv("OSMIA_TRACE") != nullptr;
  return on;
}

long our_bpf(int cmd, void* attr, unsigned size) {
  runtime::Kernel* k = preload::in_child() ? nullptr : preload::kernel();
  if (!k && !preload::in_child()) return errno = ENOSYS, -1;
  const long r = k ? syscall::bpf(*k, cmd, attr, size) : preload::bpf_of_child(cmd, attr, size);
  if (trace_wanted())
    std::fprintf(stderr, "osmia: bpf(%d, %u bytes) = %ld %s\n", cmd, size, r,
                 r < 0 ? syscall::last_error().c_str() : "");
  if (r < 0) return errno = static_cast<int>(-r), -1;
  return r;
}

}  // namespace

static long our_syscall(long nr, const long (&a)[6]) {
  switch (nr) {
    case SYS_perf_event_open: {
      const void* attr = reinterpret_cast<const void*>(a[0]);
      if (preload::in_child()) return raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
      if (const u32 event = syscall::tracepoint_event_of(attr)) {
        const long r = syscall::open_tracepoint_event(event);
        return r < 0 ? (errno = static_cast<int>(-r), -1) : r;
      }
      if (!syscall::is_bpf_output_event(attr)) return raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
      const long r = syscall::open_perf_event(attr, static_cast<int>(a[1]), static_cast<int>(a[2]),
                                              static_cast<int>(a[3]), static_cast<unsigned long>(a[4]));
      return r < 0 ? (errno = static_cast<int>(-r), -1) : r;
    }
    case SYS_bpf:
      return our_bpf(static_cast<int>(a[0]), reinterpret_cast<void*>(a[1]), static_cast<unsigned>(a[2]));
    default: return raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    case SYS_dup3:
      if (fds().has(static_cast<int>(a[0])) || fds().has(static_cast<int>(a[1])))
        return fds().dup3(static_cast<int>(a[0]), static_cast<int>(a[1]), static_cast<int>(a[2]));
      return raw(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
}

OSMIA_EXPORT long syscall(long nr, ...) {
  va_list ap;
  va_start(ap, nr);
  long a[6];
  for (long& v : a) v = va_arg(ap, long);
  va_end(ap);
  preload::CallArguments seen_arguments;
  for (size_t i = 0; i < 6; i++) seen_arguments[i] = static_cast<u64>(a[i]);
  preload::SeenCall seen(nr, seen_arguments);
  return seen.ended(our_syscall(nr, a));
}

OSMIA_EXPORT int close(int fd) {
  return fds().close(fd);
}
OSMIA_EXPORT int dup(int fd) {
  return fds().dup(fd);
}
OSMIA_EXPORT int dup2(int from, int to) {
  return fds().dup2(from, to);
}
OSMIA_EXPORT int dup3(int from, int to, int flags) {
  return fds().dup3(from, to, flags);
}

OSMIA_EXPORT int fcntl(int fd, int cmd, ...) {
  va_list ap;
  va_start(ap, cmd);
  const unsigned long arg = va_arg(ap, unsigned long);
  va_end(ap);
  return fds().fcntl(fd, cmd, arg);
}
OSMIA_EXPORT int fcntl64(int fd, int cmd, ...) {
  va_list ap;
  va_start(ap, cmd);
  const unsigned long arg = va_arg(ap, unsigned long);
  va_end(ap);
  return fds().fcntl(fd, cmd, arg);
}

OSMIA_EXPORT int ioctl(int fd, unsigned long request, ...) {
  va_list ap;
  va_start(ap, request);
  void* arg = va_arg(ap, void*);
  va_end(ap);
  return fds().ioctl(fd, request, arg);
}

OSMIA_EXPORT void* mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off) {
  void* const at = fd < 0 ? reinterpret_cast<void*>(raw(SYS_mmap, reinterpret_cast<long>(addr),
                                                        static_cast<long>(len), prot, flags, fd, off))
                          : fds().mmap(addr, len, prot, flags, fd, off);
  if (preload::kernel_in_use()) preload::note_mapping(at, len, prot, flags, fd);
  return at;
}
OSMIA_EXPORT void* mmap64(void* addr, size_t len, int prot, int flags, int fd, off_t off) {
  return mmap(addr, len, prot, flags, fd, off);
}

OSMIA_EXPORT int epoll_ctl(int epfd, int op, int fd, struct epoll_event* event) {
  return fds().epoll_ctl(epfd, op, fd, event);
}

// ---- waiting: ring buffers get their level first

OSMIA_EXPORT int epoll_wait(int epfd, struct epoll_event* events, int most, int timeout) {
  fds().before_wait(false);
  return preload::next<int (*)(int, struct epoll_event*, int, int)>("epoll_wait")(epfd, events, most,
                                                                                  timeout);
}
OSMIA_EXPORT int epoll_pwait(int epfd, struct epoll_event* events, int most, int timeout,
                             const sigset_t* mask) {
  fds().before_wait(false);
  return preload::next<int (*)(int, struct epoll_event*, int, int, const sigset_t*)>("epoll_pwait")(
      epfd, events, most, timeout, mask);
}
OSMIA_EXPORT int poll(struct pollfd* list, nfds_t n, int timeout) {
  fds().before_wait(true);
  return preload::next<int (*)(struct pollfd*, nfds_t, int)>("poll")(list, n, timeout);
}
OSMIA_EXPORT int ppoll(struct pollfd* list, nfds_t n, const struct timespec* timeout, const sigset_t* mask) {
  fds().before_wait(true);
  return preload::next<int (*)(struct pollfd*, nfds_t, const struct timespec*, const sigset_t*)>("ppoll")(
      list, n, timeout, mask);
}
OSMIA_EXPORT int select(int n, fd_set* in, fd_set* out, fd_set* except, struct timeval* timeout) {
  fds().before_wait(true);
  return preload::next<int (*)(int, fd_set*, fd_set*, fd_set*, struct timeval*)>("select")(n, in, out, except,
                                                                                           timeout);
}

// ---- files that tell about the kernel

#define OSMIA_MODE(mode, flags, last)    \
  unsigned mode = 0;                     \
  if (flags & (O_CREAT | __O_TMPFILE)) { \
    va_list ap;                          \
    va_start(ap, last);                  \
    mode = va_arg(ap, unsigned);         \
    va_end(ap);                          \
  }

static int do_openat(int dir, const char* path, int flags, unsigned mode) {
  if (const auto fd = preload::open_pinned_iterator(path)) return *fd;
  const char* content;
  if (preload::is_pin_path(path)) return preload::open_pin(path, flags);
  path = preload::redirect(path, &content);
  if (content) return preload::open_content(content, flags);
  return static_cast<int>(
      raw(SYS_openat, dir, reinterpret_cast<long>(path), flags | O_LARGEFILE, static_cast<long>(mode), 0, 0));
}
OSMIA_EXPORT int open(const char* path, int flags, ...) {
  OSMIA_MODE(mode, flags, flags)
  return do_openat(AT_FDCWD, path, flags, mode);
}
OSMIA_EXPORT int open64(const char* path, int flags, ...) {
  OSMIA_MODE(mode, flags, flags)
  return do_openat(AT_FDCWD, path, flags, mode);
}
OSMIA_EXPORT int openat(int dir, const char* path, int flags, ...) {
  OSMIA_MODE(mode, flags, flags)
  return do_openat(dir, path, flags, mode);
}
OSMIA_EXPORT int openat64(int dir, const char* path, int flags, ...) {
  OSMIA_MODE(mode, flags, flags)
  return do_openat(dir, path, flags, mode);
}

static FILE* do_fopen(const char* real_name, const char* path, const char* how) {
  if (const auto fd = preload::open_pinned_iterator(path)) {
    FILE* f = *fd < 0 ? nullptr : fdopen(*fd, how);
    if (!f && *fd >= 0) {
      const int why = errno;
      fds().close(*fd);
      errno = why;
    }
    return f;
  }
  const char* content;
  if (preload::is_pin_path(path)) {
    const int fd = preload::open_pin(path, *how == 'r' && !std::strchr(how, '+') ? O_RDONLY : O_RDWR);
    return fd < 0 ? nullptr : fdopen(fd, how);
  }
  path = preload::redirect(path, &content);
  if (content) {
    const int fd = preload::open_content(content, O_RDONLY);
    return fd < 0 ? nullptr : fdopen(fd, "r");
  }
  return preload::next<FILE* (*)(const char*, const char*)>(real_name)(path, how);
}
OSMIA_EXPORT FILE* fopen(const char* path, const char* how) {
  return do_fopen("fopen", path, how);
}
OSMIA_EXPORT FILE* fopen64(const char* path, const char* how) {
  return do_fopen("fopen64", path, how);
}

// What a descriptor is, as tools ask it: the link in /proc/self/fd.
static bool our_link(const char* path, std::string& target) {
  constexpr const char* kFolder = "/proc/self/fd/";
  if (!path || std::strncmp(path, kFolder, std::strlen(kFolder))) return false;
  char* end = nullptr;
  const long fd = std::strtol(path + std::strlen(kFolder), &end, 10);
  if (*end || end == path + std::strlen(kFolder)) return false;
  target = syscall::fd_link(static_cast<int>(fd));
  return !target.empty();
}
OSMIA_EXPORT ssize_t readlink(const char* path, char* to, size_t size) {
  std::string target;
  if (!our_link(path, target))
    return raw(SYS_readlinkat, AT_FDCWD, reinterpret_cast<long>(path), reinterpret_cast<long>(to),
               static_cast<long>(size), 0, 0);
  const size_t n = std::min(size, target.size());
  std::memcpy(to, target.data(), n);
  return static_cast<ssize_t>(n);
}
// Its name in programs that are compiled with _FORTIFY_SOURCE.
OSMIA_EXPORT ssize_t __readlink_chk(const char* path, char* to, size_t size, size_t room) {
  if (room < size) std::abort();
  return readlink(path, to, size);
}

OSMIA_EXPORT int access(const char* path, int how) {
  const char* content;
  if (preload::is_pin_path(path)) return preload::access_pin(path);
  path = preload::redirect(path, &content);
  if (content) return 0;
  return static_cast<int>(raw(SYS_access, reinterpret_cast<long>(path), how, 0, 0, 0, 0));
}
OSMIA_EXPORT int faccessat(int dir, const char* path, int how, int flags) {
  const char* content;
  if (preload::is_pin_path(path)) return preload::access_pin(path);
  path = preload::redirect(path, &content);
  if (content) return 0;
  return preload::next<int (*)(int, const char*, int, int)>("faccessat")(dir, path, how, flags);
}
