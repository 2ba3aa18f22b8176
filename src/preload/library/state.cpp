// The Kernel is made at the first bpf(2), not when the library is loaded: most processes never call it.
#include "preload/library/state.h"

#include "preload/library/family.h"

#include <dlfcn.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "runtime/catalog.h"
#include "runtime/engine.h"
#include "runtime/symbols.h"
#include "syscall/fdinfo.h"
#include "syscall/fds.h"
#include "syscall/tracepoint_events.h"

namespace osmia::preload {
namespace {

constexpr const char* kVmlinux = "/sys/kernel/btf/vmlinux";

thread_local const runtime::Cred* t_caller = nullptr;

// The effective capabilities of the calling thread, as they are now: programs drop and raise them between
// loads.
runtime::Cred effective() {
  if (t_caller) return *t_caller;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  runtime::Cred cred;
  cred.uid = static_cast<u32>(::syscall(SYS_getuid));
  cred.caps = 1;
  if (::syscall(SYS_capget, &header, data)) return cred;
  const u64 set = data[0].effective | u64{data[1].effective} << 32;
  const auto add = [&](int linux_cap, contract::Capability ours) {
    if (set >> linux_cap & 1) cred.caps |= 1u << static_cast<u32>(ours);
  };
  add(CAP_BPF, contract::Capability::kBpf);
  add(CAP_PERFMON, contract::Capability::kPerfmon);
  add(CAP_NET_ADMIN, contract::Capability::kNetAdmin);
  add(CAP_SYS_ADMIN, contract::Capability::kSysAdmin);
  add(CAP_SYS_BOOT, contract::Capability::kSysBoot);
  return cred;
}

const char* unprivileged_setting() {
  const char* s = std::getenv("OSMIA_UNPRIVILEGED_BPF");
  return s && *s ? s : "0";
}

runtime::Kernel* make_kernel() {
  const char* path = std::getenv("OSMIA_BTF");
  auto vmlinux = btf::Btf::from_file(path && *path ? path : kVmlinux);
  if (!vmlinux.ok() && path && *path) {
    std::fprintf(stderr, "osmia: OSMIA_BTF: %s\n", vmlinux.error().message.c_str());
    return nullptr;
  }
  auto catalog = runtime::build_catalog(vmlinux.ok() ? *vmlinux : nullptr);
  std::vector<std::string> names;
  if (const char* modules = std::getenv("OSMIA_MODULE_BTF"); modules && vmlinux.ok()) {
    auto added = runtime::add_module_btfs(*catalog, modules);
    if (added.ok())
      names = std::move(*added);
    else
      std::fprintf(stderr, "osmia: OSMIA_MODULE_BTF: %s\n", added.error().message.c_str());
  }
  runtime::add_known_modules(*catalog, names, !path || !*path);
  auto* k = new runtime::Kernel(std::move(catalog), names);
  runtime::install_engine(*k);
  k->credentials = effective;
  if (const char* native = std::getenv("OSMIA_NATIVE")) k->native_profile = std::strcmp(native, "1") == 0;
  found_family();
  k->unprivileged_disabled = std::strcmp(unprivileged_setting(), "0") != 0;
  return k;
}

std::atomic<runtime::Kernel*> g_made = nullptr;

std::string symbols() {
  FILE* machine = next<FILE* (*)(const char*, const char*)>("fopen")("/proc/kallsyms", "r");
  const std::string text = runtime::symbol_table(*g_made, machine);
  if (machine) std::fclose(machine);
  return text;
}

// The descriptor that /proc/self/fdinfo/N (or the process's own number in place of self) is about, or -1.
int fdinfo_of(const char* path) {
  long pid = 0;
  int fd = -1, end = 0;
  if (std::sscanf(path, "/proc/self/fdinfo/%d%n", &fd, &end) == 1 && !path[end]) return fd;
  if (std::sscanf(path, "/proc/%ld/fdinfo/%d%n", &pid, &fd, &end) == 2 && !path[end] && pid == getpid())
    return fd;
  return -1;
}

}  // namespace

runtime::Kernel* kernel() {
  static runtime::Kernel* k = (syscall::FdTable::take_over_reads(),
                               make_kernel());  // never freed: descriptors outlive static destructors
  g_made = k;
  return k;
}

bool kernel_in_use() {
  return g_made;
}

void set_caller(const runtime::Cred* cred) {
  t_caller = cred;
}
runtime::Cred own_rights() {
  return effective();
}

void* next_symbol(const char* name) {
  return dlsym(RTLD_NEXT, name);
}

const char* redirect(const char* path, const char** content) {
  *content = nullptr;
  if (!path || path[0] != '/') return path;
  if (!std::strcmp(path, kVmlinux)) {
    const char* btf = std::getenv("OSMIA_BTF");
    return btf && *btf ? btf : path;
  }
  // Modules whose BTF was given: a file is named "module" or "module-…".
  constexpr std::string_view kModules = "/sys/kernel/btf/";
  if (const std::string_view p(path); p.starts_with(kModules)) {
    const char* files = std::getenv("OSMIA_MODULE_BTF");
    static thread_local std::string found;
    for (std::string_view rest(files ? files : ""); !rest.empty();) {
      found = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(rest.size(), found.size() + 1));
      const std::string_view name = std::string_view(found).substr(found.rfind('/') + 1);
      if (name.substr(0, name.find_first_of("-.")) == p.substr(kModules.size())) return found.c_str();
    }
  }
  if (!std::strcmp(path, "/proc/sys/kernel/unprivileged_bpf_disabled")) {
    static char text[16];
    std::snprintf(text, sizeof text, "%.8s\n", unprivileged_setting());
    return *content = text, nullptr;
  }
  if (!std::strcmp(path, "/proc/sys/net/core/bpf_jit_enable")) {
    const char* jit = std::getenv("OSMIA_JIT");
    return *content = jit && !std::strcmp(jit, "off") ? "0\n" : "1\n", nullptr;
  }
  for (const char* events : {"/sys/kernel/tracing/events/", "/sys/kernel/debug/tracing/events/"}) {
    const size_t head = std::strlen(events);
    std::string_view name(path);
    if (!name.starts_with(events) || !name.ends_with("/id")) continue;
    name = name.substr(head, name.size() - head - 3);
    const u32 event = syscall::tracepoint_event(name);
    if (!event) break;
    static thread_local char text[16];
    std::snprintf(text, sizeof text, "%u\n", event);
    return *content = text, nullptr;
  }
  if (!std::strcmp(path, "/proc/kallsyms") && kernel_in_use()) {
    static thread_local std::string text;
    text = symbols();
    return *content = text.c_str(), nullptr;
  }
  if (const int fd = fdinfo_of(path); fd >= 0) {
    static thread_local std::string text;
    text = syscall::fdinfo_text(fd);
    if (!text.empty()) return *content = text.c_str(), nullptr;
  }
  return path;
}

int open_content(const char* content, int) {
  const int fd = static_cast<int>(::syscall(SYS_memfd_create, "osmia-sysctl", MFD_CLOEXEC));
  if (fd < 0) return fd;
  const size_t n = std::strlen(content);
  if (::syscall(SYS_write, fd, content, n) != static_cast<long>(n) || ::syscall(SYS_lseek, fd, 0, 0) != 0) {
    ::syscall(SYS_close, fd);
    return -1;
  }
  return fd;
}

}  // namespace osmia::preload
