// OBJ_PIN and OBJ_GET: a table of names inside the process, in place of the BPF file system. A name is a path
// as written.
#include <filesystem>

#include "syscall/call.h"

namespace osmia::syscall {
namespace {

// The path, cleaned of "." and "//"; relative to a directory descriptor it is taken as it is.
long read_path(Call& c, std::string& path) {
  const long n = string_from_user(path, c.attr.pathname, 4096);
  if (n < 0) return -EFAULT;
  if (!n) return -ENOENT;
  path = std::filesystem::path(path).lexically_normal().string();
  return 0;
}

}  // namespace

long obj_pin(Call& c) {
  const auto& a = c.attr;
  if (!rest_is_zero(a, OSMIA_ATTR_END(path_fd)) || a.file_flags & ~static_cast<u32>(BPF_F_PATH_FD))
    return fail(EINVAL, "unknown file_flags");
  if (!(a.file_flags & BPF_F_PATH_FD) && a.path_fd) return fail(EINVAL, "path_fd without BPF_F_PATH_FD");
  const int fd = static_cast<int>(a.bpf_fd);
  Fd f = c.fds.get(fd);
  if (!f.object.index() || std::holds_alternative<runtime::BtfObjectPtr>(f.object))
    return FdTable::is_open(fd) ? fail(EINVAL, "bpf_fd cannot be pinned") : fail(EBADF, "bpf_fd is not open");
  std::string path;
  if (const long e = read_path(c, path)) return e;
  std::lock_guard lock(c.kernel.pins_mutex);
  if (c.kernel.pins.count(path)) return fail(EEXIST, "already pinned: " + path);
  if (auto* m = std::get_if<maps::MapPtr>(&f.object)) (*m)->user_ref();
  c.kernel.pins[path] = f.object;
  return 0;
}

long obj_get(Call& c) {
  const auto& a = c.attr;
  constexpr u32 kFlags = BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_PATH_FD;
  if (!rest_is_zero(a, OSMIA_ATTR_END(path_fd)) || a.bpf_fd || a.file_flags & ~kFlags)
    return fail(EINVAL, "unknown file_flags");
  if (!(a.file_flags & BPF_F_PATH_FD) && a.path_fd) return fail(EINVAL, "path_fd without BPF_F_PATH_FD");
  if ((a.file_flags & BPF_F_RDONLY) && (a.file_flags & BPF_F_WRONLY))
    return fail(EINVAL, "both BPF_F_RDONLY and BPF_F_WRONLY");
  std::string path;
  if (const long e = read_path(c, path)) return e;
  Fd fd;
  {
    std::lock_guard lock(c.kernel.pins_mutex);
    const auto it = c.kernel.pins.find(path);
    if (it == c.kernel.pins.end()) return fail(ENOENT, "nothing pinned at " + path);
    fd.object = it->second;
  }
  if (std::holds_alternative<runtime::LinkPtr>(fd.object) && a.file_flags & (BPF_F_RDONLY | BPF_F_WRONLY))
    return fail(EINVAL, "links are neither read-only nor write-only");
  fd.readable = !(a.file_flags & BPF_F_WRONLY);
  fd.writable = !(a.file_flags & BPF_F_RDONLY);
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
