// One dentry for each name in the path. The file system's root, and what has no name in any (sockets, pipes),
// is its own parent.
#include "host/file_object.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "host/proc_file.h"
#include "interp/interp.h"

namespace osmia::host {
namespace {

// The kernel's own form of a device number: 12 bits of major, 20 of minor.
u64 kernel_device(u64 device) {
  return u64{major(device)} << 20 | minor(device);
}

KernelStruct* part(KernelObject& of, const btf::BtfPtr& types, const char* name) {
  auto made = KernelStruct::make(*types, name);
  if (!made.ok()) return nullptr;
  of.parts.push_back(std::move(*made));
  return &of.parts.back();
}

std::vector<std::string> names_in(const std::string& path) {
  if (path.empty() || path[0] != '/') return {path};
  std::vector<std::string> out{"/"};
  for (size_t at = 1; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) out.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

// Offsets of what path_text() follows.
struct PathPlaces {
  u32 dentry, parent, name, length;
};
bool find_places(const btf::Btf& types, PathPlaces& out) {
  const auto path = KernelStruct::make(types, "path"), dentry = KernelStruct::make(types, "dentry");
  if (!path.ok() || !dentry.ok()) return false;
  const auto d = path->find("dentry"), p = dentry->find("d_parent"), n = dentry->find("d_name.name"),
             l = dentry->find("d_name.len");
  if (!d || !p || !n || !l) return false;
  out = {d->offset, p->offset, n->offset, l->offset};
  return true;
}
template <class T>
bool fetch(u64 address, T& to) {
  return interp::probe_read(&to, reinterpret_cast<const void*>(address), sizeof to);
}

}  // namespace

std::shared_ptr<FileObject> make_file(const btf::BtfPtr& types, const FileInfo& info) {
  if (!types) return nullptr;
  auto memory = KernelStruct::make(*types, "file");
  if (!memory.ok()) return nullptr;
  auto file = std::make_shared<FileObject>(ObjectKind::kOther, ObjectKey{}, std::move(*memory));
  const std::vector<std::string> names = names_in(info.path);
  file->parts.reserve(names.size() + 3);
  KernelStruct* inode = part(*file, types, "inode");
  if (!inode) return nullptr;
  inode->set("i_ino", info.inode);
  inode->set("i_mode", info.mode);
  inode->set("i_uid", info.uid);
  inode->set("i_gid", info.gid);
  inode->set("i_nlink", info.links);
  inode->set("i_size", info.size);
  inode->set("i_rdev", kernel_device(info.rdev));
  if (KernelStruct* super = part(*file, types, "super_block")) {
    super->set("s_dev", kernel_device(info.device));
    inode->set("i_sb", super->address());
  }
  u64 parent = 0;
  for (size_t i = 0; i < names.size(); i++) {
    KernelStruct* dentry = part(*file, types, "dentry");
    if (!dentry) return nullptr;
    file->names.push_back(std::make_unique<std::string>(names[i]));
    const std::string& name = *file->names.back();
    dentry->set("d_name.name", reinterpret_cast<u64>(name.c_str()));
    dentry->set("d_name.len", name.size());
    if (!dentry->set_text("d_iname", name)) dentry->set_text("d_shortname.string", name);
    // Of the folders above only the names are known; an inode there must be.
    dentry->set("d_inode", inode->address());
    dentry->set("d_parent", parent ? parent : dentry->address());
    parent = dentry->address();
  }
  file->memory.set("f_inode", inode->address());
  file->memory.set("f_path.dentry", parent);
  file->memory.set("f_flags", info.flags);
  file->memory.set("f_mode", (info.flags & O_ACCMODE) + 1);  // FMODE_READ, FMODE_WRITE, both
  file->memory.set("f_pos", info.position);
  file->memory.set("f_count.counter", 1);
  return file;
}

std::vector<u32> descriptors_of(u32 process) {
  std::vector<u32> out;
  DIR* d = opendir(("/proc/" + std::to_string(process) + "/fd").c_str());
  if (!d) return out;
  const int own = process == static_cast<u32>(getpid()) ? dirfd(d) : -1;
  while (const dirent* e = readdir(d))
    if (e->d_name[0] >= '0' && e->d_name[0] <= '9') {
      const u32 n = static_cast<u32>(std::strtoul(e->d_name, nullptr, 10));
      if (static_cast<int>(n) != own) out.push_back(n);
    }
  closedir(d);
  std::sort(out.begin(), out.end());
  return out;
}

bool file_of(u32 process, u32 fd, FileInfo& out) {
  const std::string at = "/proc/" + std::to_string(process);
  const std::string link = at + "/fd/" + std::to_string(fd);
  char target[4097];
  const ssize_t n = ::readlink(link.c_str(), target, sizeof target - 1);
  if (n <= 0) return false;
  out.path.assign(target, static_cast<size_t>(n));
  struct stat st {};
  if (::stat(link.c_str(), &st) == 0) {
    out.device = st.st_dev, out.inode = st.st_ino, out.rdev = st.st_rdev;
    out.size = static_cast<u64>(st.st_size), out.links = st.st_nlink;
    out.mode = st.st_mode, out.uid = st.st_uid, out.gid = st.st_gid;
  }
  const std::string info = read_file(at + "/fdinfo/" + std::to_string(fd));
  if (const size_t p = info.find("pos:\t"); p != info.npos)
    out.position = std::strtoull(info.c_str() + p + 5, nullptr, 10);
  if (const size_t p = info.find("flags:\t"); p != info.npos)
    out.flags = static_cast<u32>(std::strtoul(info.c_str() + p + 7, nullptr, 8));
  return true;
}

int path_text(const btf::Btf& types, u64 path, std::string& out) {
  constexpr size_t kLongest = 4096;
  PathPlaces at{};
  u64 dentry = 0;
  if (!find_places(types, at) || !fetch(path + at.dentry, dentry)) return -EFAULT;
  std::string text;
  for (;;) {
    u64 parent = 0, name = 0;
    u32 length = 0;
    char bytes[256];
    if (!fetch(dentry + at.parent, parent) || !fetch(dentry + at.name, name) ||
        !fetch(dentry + at.length, length))
      return -EFAULT;
    length = std::min<u32>(length, sizeof bytes);
    if (!interp::probe_read(bytes, reinterpret_cast<const void*>(name), length)) return -EFAULT;
    const std::string_view one(bytes, length);
    const bool last = parent == dentry;
    if (!last)
      text.insert(0, "/" + std::string(one));
    else if (one != "/" || text.empty())
      text.insert(0, one);
    if (text.size() > kLongest) return -ENAMETOOLONG;
    if (last) break;
    dentry = parent;
  }
  out = std::move(text);
  return 0;
}

}  // namespace osmia::host
