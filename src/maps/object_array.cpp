// What a perf event's descriptor is: one of ours (BPF output), or a counter of the machine's kernel.
#include "maps/object_array.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/bits.h"
#include "maps/checks.h"

namespace osmia::maps {
namespace {

bool is_machine_event(int fd) {
  char to[64] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t n = readlink(path.c_str(), to, sizeof to - 1);
  return n > 0 && std::strcmp(to, "anon_inode:[perf_event]") == 0;
}

}  // namespace

int ObjectArrayMap::next_key(const void* key, void* next) {
  return next_index(*this, key, next);
}
int ObjectArrayMap::update_user(const void* key, const void* value, u64 flags, Descriptors& fds) {
  const u32 i = load_unaligned<u32>(key);
  if (flags != BPF_ANY) return -EINVAL;
  if (i >= max_entries()) return -E2BIG;
  return put(i, load_unaligned<s32>(value), fds);
}
s64 ObjectArrayMap::erase(const void* key) {
  const u32 i = load_unaligned<u32>(key);
  if (i >= max_entries()) return -E2BIG;
  return take(i) ? 0 : -ENOENT;
}

int CgroupArrayMap::put(u32 index, int fd, Descriptors&) {
  struct statfs fs;
  struct stat st;
  if (fstatfs(fd, &fs) || fstat(fd, &st)) return -EBADF;
  if (fs.f_type != CGROUP2_SUPER_MAGIC || !S_ISDIR(st.st_mode)) return -EBADF;
  groups_[index].store(st.st_ino, std::memory_order_release);
  return 0;
}

PerfCounter::~PerfCounter() {
  close(fd_);
}
s64 PerfCounter::read(Value& out) const {
  // What a read gives depends on how the event was opened: value, then the times that were asked for.
  u64 words[16] = {};
  const ssize_t n = ::read(fd_, words, sizeof words);
  if (n < 8) return n < 0 ? -errno : -EINVAL;
  out.counter = words[0];
  out.enabled = n >= 16 ? words[1] : 0;
  out.running = n >= 24 ? words[2] : 0;
  return 0;
}

PerfEventArrayMap::Slot PerfEventArrayMap::at(u32 index) {
  std::lock_guard lock(mutex_);
  return slots_[index];
}
int PerfEventArrayMap::put(u32 index, int fd, Descriptors& fds) {
  Slot fresh;
  if (fd < 0 || fcntl(fd, F_GETFD) < 0) return -EBADF;
  fresh.output = fds.perf_event(fd);
  if (!fresh.output) {
    if (!is_machine_event(fd)) return -EBADF;  // as on Linux, whatever else it is
    const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) return -errno;
    fresh.counter = std::make_shared<PerfCounter>(own);
  }
  std::lock_guard lock(mutex_);
  std::swap(slots_[index], fresh);
  return 0;
}
bool PerfEventArrayMap::take(u32 index) {
  Slot old;
  std::lock_guard lock(mutex_);
  std::swap(slots_[index], old);
  return !old.empty();
}
void PerfEventArrayMap::release_user_refs() {
  if (info().map_flags & BPF_F_PRESERVE_ELEMS) return;
  std::vector<Slot> old(max_entries());
  std::lock_guard lock(mutex_);
  slots_.swap(old);
}

}  // namespace osmia::maps
