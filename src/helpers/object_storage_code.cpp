// Local storage of tasks, control groups and inodes, by the kernel object that the program holds. Whose value
// it is does not depend on the Kernel: user space finds it by a pidfd or a descriptor.
#include <cerrno>

#include "helpers/code.h"
#include "helpers/running.h"
#include "maps/local_storage.h"

namespace osmia::helpers::code {
namespace {

using host::ObjectKind;

maps::LocalStorageMap& storage(u64 map) {
  return static_cast<maps::LocalStorageMap&>(*reinterpret_cast<maps::Map*>(map));
}

// The task that asks most often is the calling thread's.
bool owner_of(u64 address, ObjectKind kind, maps::LocalStorageMap::Owner& owner) {
  if (!address) return false;
  if (kind == ObjectKind::kTask)
    if (const host::Task* own = current_task(); own && own->address() == address) {
      owner = {own->key.space, own->key.number};
      return true;
    }
  const auto object = host::object_at(address, kind);
  if (!object) return false;
  owner = {object->key.space, object->key.number};
  return true;
}

u64 get(u64 map, u64 object, u64 value, u64 flags, ObjectKind kind) {
  constexpr u64 kCreate = 1;  // BPF_LOCAL_STORAGE_GET_F_CREATE
  maps::LocalStorageMap::Owner owner;
  if (flags & ~kCreate || !owner_of(object, kind, owner)) return 0;
  return reinterpret_cast<u64>(
      storage(map).get(owner, flags & kCreate, reinterpret_cast<const void*>(value)));
}
u64 drop(u64 map, u64 object, ObjectKind kind) {
  maps::LocalStorageMap::Owner owner;
  return result(owner_of(object, kind, owner) ? storage(map).drop(owner) : -EINVAL);
}

}  // namespace

u64 task_storage_get(u64 map, u64 task, u64 value, u64 flags, u64) {
  return get(map, task, value, flags, ObjectKind::kTask);
}
u64 task_storage_delete(u64 map, u64 task, u64, u64, u64) {
  return drop(map, task, ObjectKind::kTask);
}
u64 cgrp_storage_get(u64 map, u64 cgroup, u64 value, u64 flags, u64) {
  return get(map, cgroup, value, flags, ObjectKind::kCgroup);
}
u64 cgrp_storage_delete(u64 map, u64 cgroup, u64, u64, u64) {
  return drop(map, cgroup, ObjectKind::kCgroup);
}
u64 inode_storage_get(u64 map, u64 inode, u64 value, u64 flags, u64) {
  return get(map, inode, value, flags, ObjectKind::kInode);
}
u64 inode_storage_delete(u64 map, u64 inode, u64, u64, u64) {
  return drop(map, inode, ObjectKind::kInode);
}

}  // namespace osmia::helpers::code
