// Reading iterators: read(2) and its kin run the program as far as the reader asks; opening the path of a
// pinned iterator gives a new file of it. stdio reads behind our back, so a stream gets all that there is
// when it is made. A child process inherits no iterator: its reads fail with EAGAIN.
#include "preload/library/iter_reads.h"

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "preload/library/state.h"
#include "syscall/fds.h"
#include "syscall/iter_link.h"

#define OSMIA_EXPORT extern "C" __attribute__((visibility("default")))

using namespace osmia;

namespace {

syscall::FdTable& fds() {
  return syscall::FdTable::instance();
}

bool ours(int fd, void* to, size_t bytes, ssize_t& result) {
  long r;
  if (!fds().read_iterator(fd, to, bytes, r)) return false;
  result = r < 0 ? (errno = static_cast<int>(-r), -1) : r;
  return true;
}

}  // namespace

namespace osmia::preload {

std::optional<int> open_pinned_iterator(const char* path) {
  runtime::Kernel* k = kernel_in_use() ? kernel() : nullptr;
  if (!k || !path || path[0] != '/') return std::nullopt;
  runtime::LinkPtr link;
  {
    std::lock_guard lock(k->pins_mutex);
    if (k->pins.empty()) return std::nullopt;
    const auto it = k->pins.find(std::filesystem::path(path).lexically_normal().string());
    if (it == k->pins.end()) return std::nullopt;
    if (const auto* pinned = std::get_if<runtime::LinkPtr>(&it->second)) link = *pinned;
  }
  if (!link) return std::nullopt;
  auto file = syscall::open_iterator(*link);
  if (!file.ok() && file.error().code == EINVAL) return std::nullopt;  // a link of another type
  const int fd = file.ok() ? fds().install_iterator(std::move(*file)) : -file.error().code;
  return fd < 0 ? (errno = -fd, -1) : fd;
}

}  // namespace osmia::preload

OSMIA_EXPORT ssize_t read(int fd, void* to, size_t bytes) {
  ssize_t r;
  if (ours(fd, to, bytes, r)) return r;
  static auto* real = preload::next<ssize_t (*)(int, void*, size_t)>("read");
  return real(fd, to, bytes);
}
// Its name in programs that are compiled with _FORTIFY_SOURCE.
OSMIA_EXPORT ssize_t __read_chk(int fd, void* to, size_t bytes, size_t room) {
  if (room < bytes) std::abort();
  return read(fd, to, bytes);
}
OSMIA_EXPORT ssize_t readv(int fd, const struct iovec* parts, int n) {
  ssize_t r, all = 0;
  bool is_ours = false;
  for (int i = 0; i < n && parts && ours(fd, parts[i].iov_base, parts[i].iov_len, r); i++) {
    is_ours = true;
    if (r < 0) return all ? all : -1;
    all += r;
    if (static_cast<size_t>(r) < parts[i].iov_len) break;
  }
  if (is_ours) return all;
  static auto* real = preload::next<ssize_t (*)(int, const struct iovec*, int)>("readv");
  return real(fd, parts, n);
}

OSMIA_EXPORT FILE* fdopen(int fd, const char* how) {
  if (const int err = fds().render_iterator(fd)) return errno = -err, nullptr;
  static auto* real = preload::next<FILE* (*)(int, const char*)>("fdopen");
  return real(fd, how);
}
