// The other side of cmake/libbpf_rebound.txt: one function a name there, with libc's signature and errno.
#include "loader/rebound.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include "btf/btf.h"
#include "runtime/symbols.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"
#include "syscall/perf_events.h"

namespace osmia::loader {
namespace {

std::atomic<runtime::Kernel*> g_default{nullptr};
thread_local runtime::Kernel* t_kernel = nullptr;

runtime::Kernel* bound() {
  return t_kernel ? t_kernel : g_default.load(std::memory_order_acquire);
}
syscall::FdTable& fds() {
  return syscall::FdTable::of_process();
}

// The kernel BTF that programs are loaded against is the bound Kernel's, whatever the machine has.
bool is_vmlinux_btf(const char* path) {
  return path && std::strcmp(path, "/sys/kernel/btf/vmlinux") == 0;
}
const btf::Btf* vmlinux() {
  runtime::Kernel* k = bound();
  return k && k->vmlinux() ? k->vmlinux()->btf.get() : nullptr;
}

}  // namespace

Binding::Binding(runtime::Kernel& kernel) : saved_(t_kernel) {
  t_kernel = &kernel;
}
Binding::~Binding() {
  t_kernel = saved_;
}
void set_default_kernel(runtime::Kernel* kernel) {
  g_default.store(kernel, std::memory_order_release);
}

}  // namespace osmia::loader

using namespace osmia;

extern "C" {

long osmia_rebound_syscall(long number, ...) {
  va_list ap;
  va_start(ap, number);
  long a[6];
  for (long& v : a) v = va_arg(ap, long);
  va_end(ap);
  long result;
  switch (number) {
    case SYS_bpf: {
      runtime::Kernel* k = loader::bound();
      if (!k) return errno = ENOSYS, -1;
      result = syscall::bpf(*k, static_cast<int>(a[0]), reinterpret_cast<void*>(a[1]),
                            static_cast<unsigned>(a[2]));
      break;
    }
    case SYS_dup3:
      return loader::fds().dup3(static_cast<int>(a[0]), static_cast<int>(a[1]), static_cast<int>(a[2]));
    case SYS_perf_event_open:  // BPF's output; nothing of the machine's kernel is attached to
      if (!syscall::is_bpf_output_event(reinterpret_cast<const void*>(a[0]))) return errno = ENOSYS, -1;
      result = syscall::open_perf_event(reinterpret_cast<const void*>(a[0]), static_cast<int>(a[1]),
                                        static_cast<int>(a[2]), static_cast<int>(a[3]),
                                        static_cast<unsigned long>(a[4]));
      break;
    default: return ::syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  }
  if (result < 0) return errno = static_cast<int>(-result), -1;
  return result;
}

int osmia_rebound_close(int fd) {
  return loader::fds().close(fd);
}

int osmia_rebound_fcntl(int fd, int cmd, ...) {
  va_list ap;
  va_start(ap, cmd);
  const unsigned long arg = va_arg(ap, unsigned long);
  va_end(ap);
  return loader::fds().fcntl(fd, cmd, arg);
}

void* osmia_rebound_mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off) {
  return loader::fds().mmap(addr, len, prot, flags, fd, off);
}
int osmia_rebound_munmap(void* addr, size_t len) {
  return ::munmap(addr, len);
}

int osmia_rebound_ioctl(int fd, unsigned long request, ...) {
  va_list ap;
  va_start(ap, request);
  void* arg = va_arg(ap, void*);
  va_end(ap);
  return loader::fds().ioctl(fd, request, arg);
}

int osmia_rebound_epoll_ctl(int epfd, int op, int fd, void* event) {
  return loader::fds().epoll_ctl(epfd, op, fd, event);
}
int osmia_rebound_epoll_wait(int epfd, struct epoll_event* events, int most, int timeout) {
  loader::fds().before_wait(false);
  return ::epoll_wait(epfd, events, most, timeout);
}

// libbpf resolves attach targets and kfuncs in the kernel's BTF, and symbols in its list of them.
FILE* osmia_rebound_fopen(const char* path, const char* mode) {
  if (path && std::strcmp(path, "/proc/kallsyms") == 0 && loader::bound()) {
    FILE* machine = ::fopen(path, "r");
    const std::string text = runtime::symbol_table(*loader::bound(), machine);
    if (machine) ::fclose(machine);
    FILE* f = ::fmemopen(nullptr, text.size() + 1, "w+");
    if (f) {
      ::fwrite(text.data(), 1, text.size(), f);
      ::rewind(f);
    }
    return f;
  }
  if (!loader::is_vmlinux_btf(path) || !loader::bound()) return ::fopen(path, mode);
  const btf::Btf* btf = loader::vmlinux();
  if (!btf) return errno = ENOENT, nullptr;
  const auto bytes = btf->bytes();  // read only; the Kernel outlives the object that is being opened
  return ::fmemopen(const_cast<u8*>(bytes.data()), bytes.size(), "r");
}
int osmia_rebound_faccessat(int directory, const char* path, int mode, int flags) {
  if (!loader::is_vmlinux_btf(path) || !loader::bound()) return ::faccessat(directory, path, mode, flags);
  if (loader::vmlinux() && !(mode & (W_OK | X_OK))) return 0;
  return errno = loader::vmlinux() ? EACCES : ENOENT, -1;
}

}  // extern "C"
