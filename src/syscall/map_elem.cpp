// The commands on one element of a map, and MAP_FREEZE.
#include "maps/map_type.h"
#include "syscall/call.h"

namespace osmia::syscall {
namespace {

using maps::Map;

class FdsOfProcess final : public maps::Descriptors {
 public:
  Result<maps::MapPtr> map(int fd) override {
    int err;
    if (auto m = get_map(fd, &err)) return m;
    return Error{-err, "not a map"};
  }
  Result<std::shared_ptr<maps::ProgObject>> prog(int fd) override {
    int err;
    if (auto p = get_prog(fd, &err)) return std::shared_ptr<maps::ProgObject>(p);
    return Error{-err, "not a program"};
  }
  std::shared_ptr<maps::PerfEvent> perf_event(int fd) override {
    return FdTable::instance().get(fd).perf_event;
  }
};

// The map of an element command with the wanted access; null with *err set.
maps::MapPtr open_map(u32 fd, bool read, bool write, long* err) {
  int e;
  Fd entry;
  auto m = get_map(static_cast<int>(fd), &e, &entry);
  if (!m) return *err = fail(-e, "map_fd is not a map"), nullptr;
  if (write && m->info().frozen) entry.writable = false;
  if ((read && !entry.readable) || (write && !entry.writable))
    return *err = fail(EPERM, "the descriptor or a frozen map does not allow this"), nullptr;
  if (user_process() && names_files(m->type()))
    return *err = fail(EOPNOTSUPP, "not supported yet: a forked process's files in such a map"), nullptr;
  return m;
}
bool lock_flag_ok(const Map& m, u64 flags) {
  return !(flags & BPF_F_LOCK) || (m.record() && m.record()->has(btf::kFieldSpinLock));
}
// Keyless maps take a null key and nothing else.
int read_key(const Map& m, u64 user, std::vector<u8>& key) {
  key.resize(m.key_size());
  if (!m.key_size()) return user ? -EINVAL : 0;
  return copy_from_user(key.data(), user, key.size());
}

}  // namespace

bool names_files(u32 type) {
  switch (type) {
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_SOCKMAP:
    case BPF_MAP_TYPE_SOCKHASH:
    case BPF_MAP_TYPE_XSKMAP:
    case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
    case BPF_MAP_TYPE_SK_STORAGE:
    case BPF_MAP_TYPE_TASK_STORAGE:
    case BPF_MAP_TYPE_INODE_STORAGE:
    case BPF_MAP_TYPE_CGRP_STORAGE: return true;
    default: return false;
  }
}

long map_lookup_elem(Call& c) {
  OSMIA_CHECK_ATTR(c, flags);
  const auto& a = c.attr;
  if (a.flags & ~u64{BPF_F_LOCK}) return fail(EINVAL, "unknown flags");
  long err;
  auto m = open_map(a.map_fd, true, false, &err);
  if (!m) return err;
  if (!lock_flag_ok(*m, a.flags)) return fail(EINVAL, "BPF_F_LOCK on a map without bpf_spin_lock");
  std::vector<u8> key, value;
  if (const int e = read_key(*m, a.key, key)) return e;
  value.resize(m->user_value_size());
  if (m->type() == BPF_MAP_TYPE_BLOOM_FILTER && copy_from_user(value.data(), a.value, value.size()))
    return -EFAULT;
  if (const int e = m->lookup_user(key.data(), value.data(), a.flags)) return e;
  return copy_to_user(a.value, value.data(), value.size());
}

long map_update_elem(Call& c) {
  OSMIA_CHECK_ATTR(c, flags);
  const auto& a = c.attr;
  long err;
  auto m = open_map(a.map_fd, false, true, &err);
  if (!m) return err;
  maps::WriteGuard guard(*m);
  if (!lock_flag_ok(*m, a.flags)) return fail(EINVAL, "BPF_F_LOCK on a map without bpf_spin_lock");
  std::vector<u8> key, value;
  if (const int e = read_key(*m, a.key, key)) return e;
  value.resize(m->user_value_size());
  if (const int e = copy_from_user(value.data(), a.value, value.size())) return e;
  FdsOfProcess fds;
  return m->update_user(key.data(), value.data(), a.flags, fds);
}

long map_delete_elem(Call& c) {
  OSMIA_CHECK_ATTR(c, key);
  long err;
  auto m = open_map(c.attr.map_fd, false, true, &err);
  if (!m) return err;
  maps::WriteGuard guard(*m);
  std::vector<u8> key;
  if (const int e = read_key(*m, c.attr.key, key)) return e;
  return m->erase_user(key.data());
}

long map_get_next_key(Call& c) {
  OSMIA_CHECK_ATTR(c, next_key);
  long err;
  auto m = open_map(c.attr.map_fd, true, false, &err);
  if (!m) return err;
  std::vector<u8> key, next(m->key_size());
  if (c.attr.key)
    if (const int e = read_key(*m, c.attr.key, key)) return e;
  if (const int e = m->next_key(c.attr.key ? key.data() : nullptr, next.data())) return e;
  return copy_to_user(c.attr.next_key, next.data(), next.size());
}

long map_lookup_and_delete_elem(Call& c) {
  OSMIA_CHECK_ATTR(c, flags);
  const auto& a = c.attr;
  if (a.flags & ~u64{BPF_F_LOCK}) return fail(EINVAL, "unknown flags");
  long err;
  auto m = open_map(a.map_fd, true, true, &err);
  if (!m) return err;
  maps::WriteGuard guard(*m);
  if (a.flags && (m->type() == BPF_MAP_TYPE_QUEUE || m->type() == BPF_MAP_TYPE_STACK))
    return fail(EINVAL, "flags on a queue or stack");
  if (!lock_flag_ok(*m, a.flags)) return fail(EINVAL, "BPF_F_LOCK on a map without bpf_spin_lock");
  std::vector<u8> key, value(m->user_value_size());
  if (const int e = read_key(*m, a.key, key)) return e;
  if (const int e = m->lookup_and_delete(key.data(), value.data(), a.flags)) return e;
  return copy_to_user(a.value, value.data(), value.size());
}

long map_freeze(Call& c) {
  OSMIA_CHECK_ATTR(c, map_fd);
  int e;
  Fd entry;
  auto m = get_map(static_cast<int>(c.attr.map_fd), &e, &entry);
  if (!m) return fail(-e, "map_fd is not a map");
  if (m->type() == BPF_MAP_TYPE_STRUCT_OPS || m->record())
    return fail(maps::kNotSupp, "a map with special fields cannot be frozen");
  if (m->info().frozen) entry.writable = false;
  if (!entry.writable) return fail(EPERM, "the descriptor is read-only");
  return m->freeze();
}

}  // namespace osmia::syscall
