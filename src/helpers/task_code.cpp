// The calling thread as a task, its control groups, and signals to this process.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/cgroup.h"
#include "maps/object_array.h"

namespace osmia::helpers::code {

u64 get_current_task(u64, u64, u64, u64, u64) {
  const host::Task* task = current_task();
  return task ? task->address() : 0;
}

u64 task_pt_regs(u64 address, u64, u64, u64, u64) {
  const auto object = host::object_at(address, host::ObjectKind::kTask);
  return object ? static_cast<const host::Task&>(*object).pt_regs : 0;
}

// {pid, tgid} as the process's own pid namespace numbers them, if that is the one which is asked for.
u64 get_ns_current_pid_tgid(u64 device, u64 inode, u64 out, u64 size, u64) {
  struct Numbers {
    u32 pid, tgid;
  };
  std::memset(reinterpret_cast<void*>(out), 0, static_cast<u32>(size));
  struct stat st;
  if (static_cast<u32>(size) != sizeof(Numbers) || stat("/proc/self/ns/pid", &st)) return result(-EINVAL);
  // The kernel's own form of a device number: 12 bits of major, 20 of minor.
  const u64 own = (st.st_dev >> 8 & 0xfff) << 20 | (st.st_dev & 0xff) | (st.st_dev >> 12 & 0xfff00);
  if ((device != st.st_dev && device != own) || inode != st.st_ino) return result(-EINVAL);
  const Numbers n{host::own_tid(), host::own_tgid()};
  std::memcpy(reinterpret_cast<void*>(out), &n, sizeof n);
  return 0;
}

u64 get_current_cgroup_id(u64, u64, u64, u64, u64) {
  return host::own_cgroup_line().back();
}
u64 get_current_ancestor_cgroup_id(u64 level, u64, u64, u64, u64) {
  const auto line = host::own_cgroup_line();
  const s32 l = static_cast<s32>(level);
  return l >= 0 && static_cast<size_t>(l) < line.size() ? line[static_cast<size_t>(l)] : 0;
}
u64 current_task_under_cgroup(u64 map, u64 index, u64, u64, u64) {
  auto& array = static_cast<maps::CgroupArrayMap&>(*reinterpret_cast<maps::Map*>(map));
  if (static_cast<u32>(index) >= array.max_entries()) return result(-E2BIG);
  const u64 group = array.group_at(static_cast<u32>(index));
  if (!group) return result(-EAGAIN);
  for (const u64 id : host::own_cgroup_line())
    if (id == group) return 1;
  return 0;
}

}  // namespace osmia::helpers::code
