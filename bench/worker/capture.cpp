// The door between libbpf and bpf(2), wrapped by the linker (--wrap). A PROG_LOAD that passes is copied with
// all that its attributes point to, so that exactly the same load can be timed again and again, without
// libbpf's part.
#include <linux/bpf.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <optional>

#include "worker.h"

#define OSMIA_JOIN_(a, b) a##b
#define OSMIA_JOIN(a, b) OSMIA_JOIN_(a, b)
#define OSMIA_REAL OSMIA_JOIN(__real_, OSMIA_BENCH_SYSCALL)
#define OSMIA_WRAP OSMIA_JOIN(__wrap_, OSMIA_BENCH_SYSCALL)

extern "C" long OSMIA_REAL(long number, ...);

namespace osmia::bench {
namespace {

struct Captured {
  union bpf_attr attr;
  unsigned size = 0;
  std::vector<bpf_insn> insns;
  std::vector<char> license, func_info, line_info, core_relos;
  std::vector<int> fd_array;
} g_load;
std::string g_name;
std::optional<LoadSample> g_refused;  // maps and BTF of a refused program go with libbpf's cleaning up

template <class T>
uint64_t address(const std::vector<T>& v) {
  return v.empty() ? 0 : reinterpret_cast<uint64_t>(v.data());
}

void keep(std::vector<char>& to, uint64_t from, uint64_t bytes) {
  const char* p = reinterpret_cast<const char*>(from);
  to.assign(p, p + (p ? bytes : 0));
}

bool capture(const void* attr, unsigned size) {
  Captured c;
  memset(&c.attr, 0, sizeof c.attr);
  memcpy(&c.attr, attr, std::min<size_t>(size, sizeof c.attr));
  if (g_name != std::string(c.attr.prog_name, strnlen(c.attr.prog_name, sizeof c.attr.prog_name)))
    return false;
  c.size = size;
  const bpf_insn* insns = reinterpret_cast<const bpf_insn*>(c.attr.insns);
  c.insns.assign(insns, insns + c.attr.insn_cnt);
  const char* license = reinterpret_cast<const char*>(c.attr.license);
  keep(c.license, c.attr.license, license ? strlen(license) + 1 : 0);
  keep(c.func_info, c.attr.func_info, uint64_t{c.attr.func_info_cnt} * c.attr.func_info_rec_size);
  keep(c.line_info, c.attr.line_info, uint64_t{c.attr.line_info_cnt} * c.attr.line_info_rec_size);
  keep(c.core_relos, c.attr.core_relos, uint64_t{c.attr.core_relo_cnt} * c.attr.core_relo_rec_size);
  // The array's length is not in the attributes: as far as the instructions name its slots.
  if (c.attr.fd_array) {
    const int* fds = reinterpret_cast<const int*>(c.attr.fd_array);
    int used = 0;
    for (const bpf_insn& i : c.insns) {
      const bool map_index = i.code == (BPF_LD | BPF_IMM | BPF_DW) && (i.src_reg == 5 || i.src_reg == 6);
      const bool kfunc = i.code == (BPF_JMP | BPF_CALL) && i.src_reg == BPF_PSEUDO_KFUNC_CALL;
      if (map_index) used = std::max(used, i.imm + 1);
      if (kfunc) used = std::max(used, i.off + 1);
    }
    c.fd_array.assign(fds, fds + used);
  }
  g_load = std::move(c);
  return true;
}

}  // namespace

void capture_reset(const std::string& name) {
  g_load = {};
  g_name = name.substr(0, BPF_OBJ_NAME_LEN - 1);
  g_refused.reset();
}
bool capture_valid() {
  return !g_load.insns.empty();
}
const LoadSample* capture_refused() {
  return g_refused ? &*g_refused : nullptr;
}
uint32_t capture_insn_count() {
  return static_cast<uint32_t>(g_load.insns.size());
}

uint64_t capture_hash() {
  uint64_t h = 0xcbf29ce484222325;
  const auto add = [&h](uint64_t v) { h = (h ^ v) * 0x100000001b3; };
  for (size_t i = 0; i < g_load.insns.size(); i++) {
    const bpf_insn& n = g_load.insns[i];
    const bool imm64 = n.code == (BPF_LD | BPF_IMM | BPF_DW);
    const bool map = imm64 && (n.src_reg == BPF_PSEUDO_MAP_FD || n.src_reg == BPF_PSEUDO_MAP_VALUE);
    add(n.code), add(n.dst_reg << 4 | n.src_reg), add(static_cast<uint16_t>(n.off));
    add(map ? 0 : static_cast<uint32_t>(n.imm));
  }
  return h;
}

LoadSample capture_load_again() {
  static std::vector<char> log(1 << 20);
  LoadSample s;
  union bpf_attr a = g_load.attr;
  a.insns = address(g_load.insns);
  a.license = address(g_load.license);
  a.func_info = address(g_load.func_info);
  a.line_info = address(g_load.line_info);
  a.core_relos = address(g_load.core_relos);
  a.fd_array = address(g_load.fd_array);
  log[0] = 0;
  a.log_level = 4;
  a.log_buf = reinterpret_cast<uint64_t>(log.data());
  a.log_size = static_cast<uint32_t>(log.size());
  const Clock clock;
  s.result = OSMIA_REAL(SYS_bpf, static_cast<long>(BPF_PROG_LOAD), &a, static_cast<long>(g_load.size));
  s.span = clock.stop();
  if (s.result < 0) s.result = -errno;
  s.log = log.data();
  if (s.result >= 0) side_close(static_cast<int>(s.result));
  return s;
}

}  // namespace osmia::bench

extern "C" long OSMIA_WRAP(long number, ...) {
  va_list ap;
  va_start(ap, number);
  long a[6];
  for (long& v : a) v = va_arg(ap, long);
  va_end(ap);
  using namespace osmia::bench;
  const bool kept = number == SYS_bpf && a[0] == BPF_PROG_LOAD &&
                    capture(reinterpret_cast<const void*>(a[1]), static_cast<unsigned>(a[2]));
  const long result = OSMIA_REAL(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (kept && result < 0 && !g_refused) {
    const int error = errno;
    g_refused = capture_load_again();
    errno = error;
  }
  return result;
}
