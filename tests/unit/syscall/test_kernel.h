// A Kernel over everything that ships, and a caller of its bpf(2), for tests.
#pragma once
#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <functional>

#include "runtime/catalog.h"
#include "runtime/kernel.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"

namespace osmia::syscall {

// The machine's own kernel: the result, or -errno.
inline long linux_bpf(int cmd, union bpf_attr& a, unsigned size = sizeof(union bpf_attr)) {
  const long r = ::syscall(__NR_bpf, cmd, &a, size);
  return r < 0 ? -errno : r;
}

struct TestKernel {
  runtime::Kernel kernel{runtime::build_catalog()};
  long call(int cmd, union bpf_attr& a, unsigned size = sizeof(union bpf_attr)) {
    return bpf(kernel, cmd, &a, size);
  }
  long call(int cmd, const std::function<void(union bpf_attr&)>& fill) {
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    fill(a);
    return call(cmd, a);
  }
  long make(u32 type, u32 key, u32 value, u32 entries, u32 flags = 0) {
    return call(BPF_MAP_CREATE, [&](union bpf_attr& a) {
      a.map_type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
    });
  }
  long elem(int cmd, long fd, const void* key, void* value, u64 flags = 0) {
    return call(cmd, [&](union bpf_attr& a) {
      a.map_fd = static_cast<u32>(fd), a.key = reinterpret_cast<u64>(key),
      a.value = reinterpret_cast<u64>(value), a.flags = flags;
    });
  }
};

}  // namespace osmia::syscall
