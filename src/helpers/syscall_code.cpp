// Helpers of programs that make system calls (light skeletons load themselves with them). The commands that a
// program may give are Linux's list.
#include <linux/bpf.h>

#include <cerrno>

#include "helpers/code.h"
#include "helpers/syscall_door.h"

namespace osmia::helpers {
namespace {
thread_local SyscallDoor* t_door = nullptr;

// "name\0" of the given size, or false.
bool terminated(const char* s, s32 size, std::string_view& out) {
  if (size <= 1 || s[size - 1]) return false;
  out = s;
  return true;
}
}  // namespace

SyscallDoor* syscall_door() {
  return t_door;
}
SyscallDoorScope::SyscallDoorScope(SyscallDoor* door) : saved_(t_door) {
  t_door = door;
}
SyscallDoorScope::~SyscallDoorScope() {
  t_door = saved_;
}

namespace code {

u64 sys_bpf(u64 command, u64 attr, u64 size, u64, u64) {
  switch (static_cast<int>(command)) {
    case BPF_MAP_CREATE:
    case BPF_MAP_DELETE_ELEM:
    case BPF_MAP_UPDATE_ELEM:
    case BPF_MAP_FREEZE:
    case BPF_MAP_GET_FD_BY_ID:
    case BPF_PROG_LOAD:
    case BPF_BTF_LOAD:
    case BPF_LINK_CREATE:
    case BPF_RAW_TRACEPOINT_OPEN: break;
    default: return static_cast<u64>(-EINVAL);
  }
  if (!t_door) return static_cast<u64>(-EPERM);
  return static_cast<u64>(
      t_door->bpf(static_cast<int>(command), reinterpret_cast<void*>(attr), static_cast<u32>(size)));
}

u64 sys_close(u64 fd, u64, u64, u64, u64) {
  return static_cast<u64>(t_door ? t_door->close(static_cast<u32>(fd)) : -EBADF);
}

u64 btf_find_by_name_kind(u64 name, u64 size, u64 kind, u64 flags, u64) {
  std::string_view text;
  if (static_cast<s32>(flags) ||
      !terminated(reinterpret_cast<const char*>(name), static_cast<s32>(size), text))
    return static_cast<u64>(-EINVAL);
  return static_cast<u64>(t_door ? t_door->find_btf_id(text, static_cast<u32>(kind)) : -EINVAL);
}

u64 kallsyms_lookup_name(u64 name, u64 size, u64 flags, u64 result, u64) {
  u64& out = *reinterpret_cast<u64*>(result);
  out = 0;
  std::string_view text;
  if (static_cast<s32>(flags) ||
      !terminated(reinterpret_cast<const char*>(name), static_cast<s32>(size), text))
    return static_cast<u64>(-EINVAL);
  return static_cast<u64>(t_door ? t_door->find_symbol(text, out) : -EPERM);
}

}  // namespace code
}  // namespace osmia::helpers
