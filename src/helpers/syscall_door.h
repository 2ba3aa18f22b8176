// How programs of type syscall reach bpf(2), descriptors and symbols: rooms below this one open the door
// while such a program runs. Invariant: the door is the calling thread's, and closed outside a
// SyscallDoorScope.
#pragma once
#include <string_view>

#include "base/types.h"

namespace osmia::helpers {

class SyscallDoor {
 public:
  virtual ~SyscallDoor() = default;
  virtual s64 bpf(int command, void* attr, u32 size) = 0;  // as the system call, errors negative
  virtual s64 close(u32 fd) = 0;
  virtual s64 find_btf_id(std::string_view name, u32 kind) = 0;      // id, with a module's descriptor << 32
  virtual s64 find_symbol(std::string_view name, u64& address) = 0;  // 0, -EPERM, -ENOENT
};

SyscallDoor* syscall_door();  // null: closed

class SyscallDoorScope {
 public:
  explicit SyscallDoorScope(SyscallDoor* door);
  ~SyscallDoorScope();
  SyscallDoorScope(const SyscallDoorScope&) = delete;
  SyscallDoorScope& operator=(const SyscallDoorScope&) = delete;

 private:
  SyscallDoor* saved_;
};

}  // namespace osmia::helpers
