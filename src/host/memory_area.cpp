// struct file, dentry and inode are made with each area: what a program may follow as trusted pointers
// (file.f_inode, dentry.d_inode) is never null.
#include "host/memory_area.h"

#include <sys/sysmacros.h>

#include <cinttypes>
#include <cstdio>

#include "host/proc_file.h"

namespace osmia::host {
namespace {

class Area final : public KernelObject {
 public:
  using KernelObject::KernelObject;
  std::string name;
};

KernelStruct* part(KernelObject& of, const btf::BtfPtr& types, const char* name) {
  auto made = KernelStruct::make(*types, name);
  if (!made.ok()) return nullptr;
  of.parts.push_back(std::move(*made));
  return &of.parts.back();
}

void add_file(Area& area, const btf::BtfPtr& types, const AreaInfo& info) {
  area.parts.reserve(4);
  KernelStruct* inode = part(area, types, "inode");
  KernelStruct* dentry = inode ? part(area, types, "dentry") : nullptr;
  KernelStruct* file = dentry ? part(area, types, "file") : nullptr;
  if (!file) return;
  inode->set("i_ino", info.inode);
  inode->set("i_rdev", 0);
  if (KernelStruct* super = part(area, types, "super_block")) {
    // The kernel's own form of a device number: 12 bits of major, 20 of minor.
    super->set("s_dev", u64{major(info.device)} << 20 | minor(info.device));
    inode->set("i_sb", super->address());
  }
  area.name = info.path.substr(info.path.rfind('/') + 1);
  dentry->set("d_name.name", reinterpret_cast<u64>(area.name.c_str()));
  dentry->set("d_name.len", area.name.size());
  if (!dentry->set_text("d_iname", area.name)) dentry->set_text("d_shortname.string", area.name);
  dentry->set("d_inode", inode->address());
  dentry->set("d_parent", dentry->address());
  file->set("f_inode", inode->address());
  file->set("f_path.dentry", dentry->address());
  area.memory.set("vm_file", file->address());
}

}  // namespace

std::vector<AreaInfo> memory_areas(u32 process) {
  std::vector<AreaInfo> out;
  const std::string text = read_file("/proc/" + std::to_string(process) + "/maps");
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    AreaInfo a;
    char how[5] = {};
    unsigned first = 0, second = 0;
    int name = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &a.start,
                    &a.end, how, &a.offset, &first, &second, &a.inode, &name) < 7)
      continue;
    a.device = makedev(first, second);
    a.flags = (how[0] == 'r' ? 1u : 0) | (how[1] == 'w' ? 2u : 0) | (how[2] == 'x' ? 4u : 0) |
              (how[3] == 's' ? 8u : 0) | 0x70;  // … and VM_MAYREAD, VM_MAYWRITE, VM_MAYEXEC
    if (name) a.path = line.substr(static_cast<size_t>(name));
    out.push_back(std::move(a));
  }
  return out;
}

ObjectPtr make_area(const btf::BtfPtr& types, const AreaInfo& info, u64 mm) {
  if (!types) return nullptr;
  auto memory = KernelStruct::make(*types, "vm_area_struct");
  if (!memory.ok()) return nullptr;
  auto area = std::make_shared<Area>(ObjectKind::kOther, ObjectKey{}, std::move(*memory));
  area->memory.set("vm_start", info.start);
  area->memory.set("vm_end", info.end);
  area->memory.set("vm_flags", info.flags);
  area->memory.set("vm_pgoff", info.offset / 4096);
  area->memory.set("vm_mm", mm);
  if (info.inode) add_file(*area, types, info);
  return area;
}

}  // namespace osmia::host
