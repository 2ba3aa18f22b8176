// The side that is the machine's own kernel: bpf(2) as libc makes it, and native code beside it for
// reference. Only PROG_LOAD, map commands, BTF and PROG_TEST_RUN are used; nothing is attached.
#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "worker.h"

namespace osmia::bench {
namespace {

using Native = unsigned long long (*)(void*, unsigned long long);
std::map<std::string, Native> g_native;

Json native_load(const std::string& key, const std::string& path) {
  void* so = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!so) return failure(dlerror());
  const auto f = reinterpret_cast<Native>(dlsym(so, "prog"));
  if (!f) return failure(path + ": no function `prog`");
  g_native[key] = f;
  return {{"ok", true}};
}

Json native_run(const std::string& key, const std::string& path, uint64_t repeat) {
  const auto it = g_native.find(key);
  if (it == g_native.end()) return failure("no such program");
  alignas(64) static unsigned char data[4096];
  FILE* f = fopen(path.c_str(), "rb");
  if (!f) return failure(path + ": " + strerror(errno));
  const size_t size = fread(data, 1, sizeof data, f);
  fclose(f);
  uint64_t ret = 0;
  const Clock clock;
  for (uint64_t i = 0; i < repeat; i++) {
    ret = it->second(data, size);
    asm volatile("" ::: "memory");
  }
  const Span span = clock.stop();
  return {{"ok", true}, {"cpu_ns", span.cpu}, {"wall_ns", span.wall}, {"ret", static_cast<uint32_t>(ret)}};
}

}  // namespace

bool side_open(const Words&, std::string& why) {
  objects();
  const bpf_insn insns[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
  const int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "bench", "GPL", insns, 2, nullptr);
  if (fd >= 0) return close(fd), true;
  why = std::string("bpf(2) of the machine's kernel: ") + strerror(errno);
  return false;
}

Json side_command(const Words& w) {
  if (w[0] == "native" && w.size() == 3) return native_load(w[1], w[2]);
  if (w[0] == "native_run" && w.size() == 4)
    return native_run(w[1], w[2], strtoull(w[3].c_str(), nullptr, 10));
  return nullptr;
}

void* side_mmap(size_t size, int protection, int fd, off_t offset) {
  return mmap(nullptr, size, protection, MAP_SHARED, fd, offset);
}
void side_close(int fd) {
  close(fd);
}

}  // namespace osmia::bench
