// Owners from descriptors: a socket is its cookie, an inode its device and number, a control group the inode
// of its directory, a task its thread id and when it began.
#include "maps/local_storage.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/bits.h"
#include "host/task.h"
#include "maps/value.h"

namespace osmia::maps {
namespace {

// The process behind a pidfd: what the kernel tells of the descriptor. -1: it has ended. Errors: EBADF.
Result<long> process_of(int fd) {
  const std::string path = "/proc/self/fdinfo/" + std::to_string(fd);
  const int info = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (info < 0) return Error{EBADF, "not an open descriptor"};
  char text[1024];
  const ssize_t n = read(info, text, sizeof text - 1);
  close(info);
  text[n > 0 ? n : 0] = 0;
  const char* line = std::strstr(text, "\nPid:");
  if (!line) return Error{EBADF, "not a pidfd"};
  return std::strtol(line + 5, nullptr, 10);
}

}  // namespace

LocalStorageMap::~LocalStorageMap() {
  for (auto& [owner, value] : values_) release_fields(*this, value.get());
}

Result<LocalStorageMap::Owner> LocalStorageMap::owner_of(const void* key) const {
  const int fd = load_unaligned<s32>(key);
  struct stat st;
  if (fstat(fd, &st)) return Error{EBADF, "not an open descriptor"};
  switch (type()) {
    case BPF_MAP_TYPE_SK_STORAGE: {
      u64 cookie = 0;
      socklen_t n = sizeof cookie;
      if (!S_ISSOCK(st.st_mode)) return Error{ENOTSOCK, "not a socket"};
      if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n))
        return Error{EINVAL, "a socket without a cookie"};
      return Owner{0, cookie};
    }
    case BPF_MAP_TYPE_TASK_STORAGE: {
      OSMIA_ASSIGN(const long pid, process_of(fd));
      const host::ObjectKey task = pid > 0 ? host::task_key(static_cast<u32>(pid)) : host::ObjectKey{};
      if (!task.number) return Error{ENOENT, "the process has ended"};
      return Owner{task.space, task.number};
    }
    case BPF_MAP_TYPE_CGRP_STORAGE: {
      struct statfs fs;
      if (fstatfs(fd, &fs) || (fs.f_type != CGROUP2_SUPER_MAGIC && fs.f_type != CGROUP_SUPER_MAGIC))
        return Error{EBADF, "not a control group"};
      return Owner{st.st_dev, st.st_ino};
    }
    default: return Owner{st.st_dev, st.st_ino};
  }
}

LocalStorageMap::Value LocalStorageMap::make_value() const {
  return Value(new u64[align_up(value_size(), 8) / 8]());
}

void* LocalStorageMap::get(const Owner& owner, bool create, const void* initial) {
  Pen::Dropped dropped;
  std::lock_guard lock(mutex_);
  const auto it = values_.find(owner);
  if (it != values_.end()) return it->second.get();
  if (!create) return nullptr;
  Value v = make_value();
  if (initial) store_value(record(), value_size(), v.get(), initial);
  dropped = forget_dead();
  return values_.emplace(owner, std::move(v)).first->second.get();
}

// Nobody tells when a thread ends: each time there are twice as many values, those of dead ones go.
Pen::Dropped LocalStorageMap::forget_dead() {
  Pen::Dropped dropped;
  if (type() != BPF_MAP_TYPE_TASK_STORAGE || values_.size() < next_sweep_) return dropped;
  for (auto it = values_.begin(); it != values_.end();) {
    if (host::task_lives({it->first.first, it->first.second})) {
      ++it;
      continue;
    }
    release_fields(*this, it->second.get());
    const auto more = pen_.put(std::move(it->second));
    dropped.insert(dropped.end(), more.begin(), more.end());
    it = values_.erase(it);
  }
  next_sweep_ = std::max(kFirstSweep, values_.size() * 2);
  return dropped;
}

int LocalStorageMap::put(const Owner& owner, const void* value, u64 flags) {
  const u64 mode = flags & ~u64{BPF_F_LOCK};
  if (mode > BPF_EXIST || (flags & BPF_F_LOCK && !(record() && record()->has(btf::kFieldSpinLock))))
    return -EINVAL;
  Pen::Dropped dropped;
  std::lock_guard lock(mutex_);
  const auto it = values_.find(owner);
  if (it != values_.end() && mode == BPF_NOEXIST) return -EEXIST;
  if (it == values_.end() && mode == BPF_EXIST) return -ENOENT;
  if (it != values_.end() && flags & BPF_F_LOCK) {
    store(it->second.get(), value, flags);
    return 0;
  }
  Value v = make_value();
  store_value(record(), value_size(), v.get(), value);
  if (it == values_.end()) {
    dropped = forget_dead();
    values_.emplace(owner, std::move(v));
  } else {
    it->second.swap(v);
    release_fields(*this, v.get());
    dropped = pen_.put(std::move(v));
  }
  return 0;
}

int LocalStorageMap::drop(const Owner& owner) {
  Pen::Dropped dropped;
  std::lock_guard lock(mutex_);
  const auto it = values_.find(owner);
  if (it == values_.end()) return -ENOENT;
  release_fields(*this, it->second.get());
  dropped = pen_.put(std::move(it->second));
  values_.erase(it);
  return 0;
}

int LocalStorageMap::lookup_user(const void* key, void* value, u64 flags) {
  const auto owner = owner_of(key);
  if (!owner.ok()) return -owner.error().code;
  std::lock_guard lock(mutex_);
  const auto it = values_.find(*owner);
  if (it == values_.end()) return -ENOENT;
  load(value, it->second.get(), flags);
  return 0;
}

int LocalStorageMap::update_user(const void* key, const void* value, u64 flags, Descriptors&) {
  const auto owner = owner_of(key);
  return owner.ok() ? put(*owner, value, flags) : -owner.error().code;
}

int LocalStorageMap::erase_user(const void* key) {
  const auto owner = owner_of(key);
  return owner.ok() ? drop(*owner) : -owner.error().code;
}

void LocalStorageMap::each_value(FnRef<void(void*)> fn) {
  std::lock_guard lock(mutex_);
  for (auto& [owner, value] : values_) fn(value.get());
}

}  // namespace osmia::maps
