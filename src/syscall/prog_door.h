// What a program of type syscall finds behind its helpers: this Kernel's bpf(2), the process's descriptors,
// the kernel's BTF and symbols.
#pragma once
#include "helpers/syscall_door.h"
#include "runtime/kernel.h"

namespace osmia::syscall {

class ProgDoor final : public helpers::SyscallDoor {
 public:
  explicit ProgDoor(runtime::Kernel& kernel) : kernel_(kernel) {}
  s64 bpf(int command, void* attr, u32 size) override;
  s64 close(u32 fd) override;
  s64 find_btf_id(std::string_view name, u32 kind) override;
  s64 find_symbol(std::string_view name, u64& address) override;

 private:
  runtime::Kernel& kernel_;
};

}  // namespace osmia::syscall
