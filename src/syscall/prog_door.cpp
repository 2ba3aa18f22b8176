// Descriptors that a program makes are the process's own, as on Linux; closing goes through the table.
#include "syscall/prog_door.h"

#include <cerrno>
#include <cstdlib>

#include "runtime/symbols.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace osmia::syscall {

s64 ProgDoor::bpf(int command, void* attr, u32 size) {
  return syscall::bpf(kernel_, command, attr, size);
}

s64 ProgDoor::close(u32 fd) {
  // Only what is ours: a program must not close what else the host process has open.
  auto& table = FdTable::instance();
  const int n = static_cast<int>(fd);
  if (!table.has(n)) return -EBADF;
  return table.close(n) ? -errno : 0;
}

s64 ProgDoor::find_btf_id(std::string_view name, u32 kind) {
  const auto& catalog = kernel_.catalog();
  if (!catalog.vmlinux) return -EINVAL;
  const auto k = static_cast<btf::Kind>(kind);
  if (kind >= btf::kKindCount) return -ENOENT;
  if (const u32 id = catalog.vmlinux->find(name, k)) return id;
  for (u32 object = 0; (object = kernel_.btfs.next_after(object));) {
    const auto b = kernel_.btfs.find(object);
    if (!b || !b->kernel || !b->btf->base()) continue;
    const u32 id = b->btf->find_own(name, k);
    if (!id) continue;
    Fd entry;
    entry.object = b;
    const int fd = FdTable::instance().install(std::move(entry));
    return fd < 0 ? fd : static_cast<s64>(static_cast<u64>(fd) << 32 | id);
  }
  return -ENOENT;
}

s64 ProgDoor::find_symbol(std::string_view name, u64& address) {
  if (!kernel_.credentials().capable(contract::Capability::kSysAdmin)) return -EPERM;
  const std::string all = runtime::kallsyms(kernel_), line = " " + std::string(name) + "\n";
  const size_t at = all.find(line);
  if (at == std::string::npos) return -ENOENT;
  const size_t start = all.rfind('\n', at);
  address = std::strtoull(all.c_str() + (start == std::string::npos ? 0 : start + 1), nullptr, 16);
  return 0;
}

}  // namespace osmia::syscall
