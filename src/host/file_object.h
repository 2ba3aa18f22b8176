// Open files as the kernel's struct file, with inode, file system and the names up to the root: what a
// program may follow as trusted pointers (file.f_inode, dentry.d_inode, d_parent) is never null. A snapshot.
#pragma once
#include <string>
#include <vector>

#include "host/kernel_object.h"

namespace osmia::host {

struct FileInfo {
  std::string path;  // as /proc/N/fd/M has it: "/usr/bin/x", "socket:[123]", "anon_inode:[eventpoll]"
  u64 device = 0;    // dev_t of its file system, as stat(2) gives it
  u64 inode = 0, rdev = 0, size = 0, links = 1;
  u32 mode = 0, uid = 0, gid = 0;  // inode
  u32 flags = 0;                   // O_*
  u64 position = 0;
};

class FileObject final : public KernelObject {
 public:
  using KernelObject::KernelObject;
  std::vector<std::unique_ptr<std::string>> names;  // what d_name points to
  u64 socket = 0;  // address of the struct socket behind it (the object is among `others`), or 0
};

// Null if the types lack one of the structs.
std::shared_ptr<FileObject> make_file(const btf::BtfPtr& types, const FileInfo& info);

// Descriptors of a process, ascending; empty if they are not ours to see.
std::vector<u32> descriptors_of(u32 process);
// False: it is not open (any more).
bool file_of(u32 process, u32 fd, FileInfo& out);

// The text of a struct path, as d_path(9) has it: 0, or -EFAULT, -ENAMETOOLONG (above 4096 bytes).
int path_text(const btf::Btf& types, u64 path, std::string& out);

}  // namespace osmia::host
