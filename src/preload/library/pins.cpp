// /sys/fs/bpf as a process under the library sees it: a BPF file system of its own, whose files are the pins
// of this process's Kernel and whose directories exist once they were made. The machine's is not touched.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

#include "preload/library/state.h"
#include "syscall/pin_files.h"

#define OSMIA_EXPORT extern "C" __attribute__((visibility("default")))

using namespace osmia;

namespace {

constexpr std::string_view kRoot = "/sys/fs/bpf";

std::string cleaned(const char* path) {
  std::string s = std::filesystem::path(path).lexically_normal().string();
  if (s.size() > 1 && s.back() == '/') s.pop_back();
  return s;
}
bool below_root(const char* path) {
  if (!path || std::strncmp(path, kRoot.data(), kRoot.size())) return false;
  return !path[kRoot.size()] || path[kRoot.size()] == '/';
}
// Relative names are not looked at: nobody works inside a BPF file system.
bool is_file(const char* path) {
  return path && path[0] == '/' && preload::kernel_in_use() && syscall::is_pinned(*preload::kernel(), path);
}

class Directories {
 public:
  static Directories& instance() {
    static auto* d = new Directories;
    return *d;
  }
  bool has(const std::string& path) {
    std::lock_guard lock(mutex_);
    return path == kRoot || made_.count(path);
  }
  int make(const std::string& path) {
    std::lock_guard lock(mutex_);
    if (path == kRoot || !made_.insert(path).second) return errno = EEXIST, -1;
    return 0;
  }
  int remove(const std::string& path) {
    std::lock_guard lock(mutex_);
    if (path == kRoot) return errno = EBUSY, -1;
    const auto next = made_.upper_bound(path + "/");
    if (next != made_.end() && next->starts_with(path + "/")) return errno = ENOTEMPTY, -1;
    return made_.erase(path) ? 0 : (errno = ENOENT, -1);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> made_;
};

// 0 or -1 when the path is ours, 1 when it is the machine's.
template <class Stat>
int our_stat(const char* path, Stat* out) {
  const bool file = is_file(path);
  if (!file && !below_root(path)) return 1;
  if (!file && !Directories::instance().has(cleaned(path))) return errno = ENOENT, -1;
  std::memset(out, 0, sizeof *out);
  out->st_mode = file ? S_IFREG | 0600 : S_IFDIR | S_ISVTX | 0777;
  out->st_nlink = file ? 1 : 2;
  out->st_uid = getuid(), out->st_gid = getgid();
  out->st_blksize = 4096;
  return 0;
}
int our_unlink(const char* path) {
  if (is_file(path) && syscall::unpin(*preload::kernel(), path)) return 0;
  if (!below_root(path)) return 1;
  return errno = Directories::instance().has(cleaned(path)) ? EISDIR : ENOENT, -1;
}
int our_rmdir(const char* path) {
  return below_root(path) ? Directories::instance().remove(cleaned(path)) : 1;
}

}  // namespace

namespace osmia::preload {

bool is_pin_path(const char* path) {
  return is_file(path) || below_root(path);
}
int access_pin(const char* path) {
  struct stat st;
  return our_stat(path, &st);
}
int open_pin(const char* path, int flags) {
  if (!is_file(path)) {
    struct stat st;
    if (our_stat(path, &st)) return -1;
    return errno = flags & O_DIRECTORY ? ENOTSUP : EISDIR, -1;
  }
  if ((flags & O_ACCMODE) != O_RDONLY) return errno = EIO, -1;
  const auto text = syscall::pin_text(*kernel(), path);
  return text.ok() ? open_content(text->c_str(), flags) : (errno = text.error().code, -1);
}

}  // namespace osmia::preload

#define OSMIA_STAT(name, Stat)                                                               \
  OSMIA_EXPORT int name(const char* path, struct Stat* out) {                                \
    const int r = our_stat(path, out);                                                       \
    return r <= 0 ? r : preload::next<int (*)(const char*, struct Stat*)>(#name)(path, out); \
  }
OSMIA_STAT(stat, stat)
OSMIA_STAT(stat64, stat64)
OSMIA_STAT(lstat, stat)
OSMIA_STAT(lstat64, stat64)

#define OSMIA_STATAT(name, Stat)                                                                            \
  OSMIA_EXPORT int name(int dir, const char* path, struct Stat* out, int flags) {                           \
    const int r = our_stat(path, out);                                                                      \
    return r <= 0                                                                                           \
               ? r                                                                                          \
               : preload::next<int (*)(int, const char*, struct Stat*, int)>(#name)(dir, path, out, flags); \
  }
OSMIA_STATAT(fstatat, stat)
OSMIA_STATAT(fstatat64, stat64)

#define OSMIA_STATFS(name, Stat)                                                                       \
  OSMIA_EXPORT int name(const char* path, struct Stat* out) {                                          \
    if (!below_root(path)) return preload::next<int (*)(const char*, struct Stat*)>(#name)(path, out); \
    struct stat st;                                                                                    \
    if (our_stat(path, &st)) return -1;                                                                \
    std::memset(out, 0, sizeof *out);                                                                  \
    out->f_type = BPF_FS_MAGIC, out->f_bsize = 4096, out->f_namelen = 255;                             \
    return 0;                                                                                          \
  }
OSMIA_STATFS(statfs, statfs)
OSMIA_STATFS(statfs64, statfs64)

OSMIA_EXPORT int unlink(const char* path) {
  const int r = our_unlink(path);
  return r <= 0 ? r : preload::next<int (*)(const char*)>("unlink")(path);
}
OSMIA_EXPORT int unlinkat(int dir, const char* path, int flags) {
  const int r = flags & AT_REMOVEDIR ? our_rmdir(path) : our_unlink(path);
  return r <= 0 ? r : preload::next<int (*)(int, const char*, int)>("unlinkat")(dir, path, flags);
}
OSMIA_EXPORT int remove(const char* path) {
  int r = our_unlink(path);
  if (r < 0 && errno == EISDIR) r = our_rmdir(path);
  return r <= 0 ? r : preload::next<int (*)(const char*)>("remove")(path);
}
OSMIA_EXPORT int rmdir(const char* path) {
  const int r = our_rmdir(path);
  return r <= 0 ? r : preload::next<int (*)(const char*)>("rmdir")(path);
}
OSMIA_EXPORT int mkdir(const char* path, mode_t mode) {
  if (!below_root(path)) return preload::next<int (*)(const char*, mode_t)>("mkdir")(path, mode);
  if (is_file(path)) return errno = EEXIST, -1;
  const std::string name = cleaned(path);
  if (const size_t slash = name.rfind('/');
      name != kRoot && !Directories::instance().has(name.substr(0, slash)))
    return errno = ENOENT, -1;
  return Directories::instance().make(name);
}
