// The file behind an area is made with it.
#include "host/memory_area.h"

#include <sys/sysmacros.h>

#include <cinttypes>
#include <cstdio>

#include "host/file_object.h"
#include "host/proc_file.h"

namespace osmia::host {

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
              (how[3] == 's' ? 0x88u : 0) | 0x70;  // … and VM_MAYREAD, VM_MAYWRITE, VM_MAYEXEC, VM_MAYSHARE
    if (name) a.path = line.substr(static_cast<size_t>(name));
    out.push_back(std::move(a));
  }
  return out;
}

ObjectPtr make_area(const btf::BtfPtr& types, const AreaInfo& info, u64 mm) {
  if (!types) return nullptr;
  auto memory = KernelStruct::make(*types, "vm_area_struct");
  if (!memory.ok()) return nullptr;
  auto area = std::make_shared<KernelObject>(ObjectKind::kOther, ObjectKey{}, std::move(*memory));
  area->memory.set("vm_start", info.start);
  area->memory.set("vm_end", info.end);
  area->memory.set("vm_flags", info.flags);
  area->memory.set("vm_pgoff", info.offset / 4096);
  area->memory.set("vm_mm", mm);
  if (!info.inode) return area;
  FileInfo info_of_file;
  info_of_file.path = info.path;
  info_of_file.device = info.device;
  info_of_file.inode = info.inode;
  if (auto file = make_file(types, info_of_file)) {
    area->memory.set("vm_file", file->address());
    area->others.push_back(std::move(file));
  }
  return area;
}

}  // namespace osmia::host
