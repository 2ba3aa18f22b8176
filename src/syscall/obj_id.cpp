// Walking the ids of live objects, and opening one by id.
#include <climits>

#include "syscall/call.h"

namespace osmia::syscall {

long obj_get_next_id(Call& c) {
  const u32 start = c.attr.start_id;
  if (!rest_is_zero(c.attr, OSMIA_ATTR_END(next_id)) || start >= INT_MAX)
    return fail(EINVAL, "start_id out of range");
  if (!c.capable(contract::Capability::kSysAdmin)) return fail(EPERM, "ids are for CAP_SYS_ADMIN");
  const u32 next = c.cmd == BPF_PROG_GET_NEXT_ID  ? c.kernel.programs.next_after(start)
                   : c.cmd == BPF_MAP_GET_NEXT_ID ? c.kernel.maps.next_after(start)
                   : c.cmd == BPF_BTF_GET_NEXT_ID ? c.kernel.btfs.next_after(start)
                                                  : c.kernel.links.next_after(start);
  if (!next) return -ENOENT;
  return c.put(offsetof(union bpf_attr, next_id), next);
}

long obj_get_fd_by_id(Call& c) {
  const bool map = c.cmd == BPF_MAP_GET_FD_BY_ID;
  const u32 flags = c.attr.open_flags;
  if (!rest_is_zero(c.attr, map ? OSMIA_ATTR_END(open_flags) : OSMIA_ATTR_END(prog_id)) ||
      (map && flags & ~static_cast<u32>(BPF_F_RDONLY | BPF_F_WRONLY)))
    return fail(EINVAL, "unknown open_flags");
  if (!c.capable(contract::Capability::kSysAdmin)) return fail(EPERM, "opening by id is for CAP_SYS_ADMIN");
  if (map && (flags & BPF_F_RDONLY) && (flags & BPF_F_WRONLY))
    return fail(EINVAL, "both BPF_F_RDONLY and BPF_F_WRONLY");
  const u32 id = c.attr.prog_id;
  Fd fd;
  if (c.cmd == BPF_PROG_GET_FD_BY_ID) {
    if (auto p = c.kernel.programs.find(id)) fd.object = p;
  } else if (map) {
    if (auto m = c.kernel.maps.find(id)) fd.object = m;
    fd.readable = !(flags & BPF_F_WRONLY), fd.writable = !(flags & BPF_F_RDONLY);
  } else if (c.cmd == BPF_BTF_GET_FD_BY_ID) {
    if (auto b = c.kernel.btfs.find(id)) fd.object = b;
  } else if (auto l = c.kernel.links.find(id)) {
    fd.object = l;
  }
  if (!fd.object.index()) return -ENOENT;
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
