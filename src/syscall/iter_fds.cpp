// Iterators' files as descriptors. The descriptor is real but empty: the program runs when somebody reads
// through us. What reads behind our back either gets a rendered file or an error, never a silent end.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/iter/iter_file.h"
#include "syscall/fds.h"
#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {
std::atomic<bool> g_taken_over{false};
}

void FdTable::take_over_reads() {
  g_taken_over = true;
}

bool FdTable::read_iterator(int fd, void* to, size_t bytes, long& result) {
  if (!iterators_.load(std::memory_order_relaxed)) return false;
  const auto file = get(fd).iterator;
  if (!file) return false;
  u64 at = reinterpret_cast<u64>(to);
  result = file->read(bytes, [&](const u8* from, u64 n) { return copy_to_user(at, from, n); });
  return true;
}

int FdTable::render_iterator(int fd) {
  if (!iterators_.load(std::memory_order_relaxed)) return 0;
  const auto file = get(fd).iterator;
  if (!file) return 0;
  std::string text;
  const s64 err = file->read_all(text);
  if (err < 0) return static_cast<int>(err);
  const int made = ::memfd_create("bpf_iter", MFD_CLOEXEC);
  if (made < 0) return -errno;
  bool whole = true;
  for (size_t at = 0; whole && at < text.size();) {
    const ssize_t n = ::write(made, text.data() + at, text.size() - at);
    if (n <= 0)
      whole = false;
    else
      at += static_cast<size_t>(n);
  }
  const bool done = whole && ::lseek(made, 0, SEEK_SET) == 0 &&
                    dup3(made, fd, ::fcntl(fd, F_GETFD) & FD_CLOEXEC ? O_CLOEXEC : 0) >= 0;
  const int why = errno;
  close(made);
  return done ? 0 : -why;
}

int FdTable::install_iterator(std::shared_ptr<runtime::IterFile> file) {
  Fd entry;
  entry.iterator = std::move(file);
  const int fd = install(std::move(entry));
  if (fd < 0 || g_taken_over) return fd;
  if (const int err = render_iterator(fd)) {
    close(fd);
    return err;
  }
  return fd;
}

}  // namespace osmia::syscall
