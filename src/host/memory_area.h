// The memory areas of a process as the kernel's vm_area_struct, with the file behind each. A snapshot: an
// area does not change any more when the process maps or unmaps.
#pragma once
#include <string>
#include <vector>

#include "host/kernel_object.h"

namespace osmia::host {

struct AreaInfo {
  u64 start = 0, end = 0, offset = 0, device = 0, inode = 0;
  u32 flags = 0;  // VM_READ, VM_WRITE, VM_EXEC, VM_SHARED
  std::string path;
};
std::vector<AreaInfo> memory_areas(u32 process);  // ascending; empty if the process is not ours to see

// Null if the types have no vm_area_struct. Program pointers to it are good as long as it is held.
ObjectPtr make_area(const btf::BtfPtr& types, const AreaInfo& info, u64 mm);

}  // namespace osmia::host
