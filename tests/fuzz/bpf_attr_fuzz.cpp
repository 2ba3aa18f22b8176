// bpf(2) with any attribute bytes: nothing crashes, leaks or hangs. Input: calls of (command, attribute size,
// 152 attribute bytes); before each, attribute fields that are pointers are steered into an arena,
// descriptors into the few that exist. All else that the bytes point to is EFAULT (restrict_user_memory): the
// process's own heap is memory of the user too, and a fuzzer that compares finds its addresses.
#include <linux/bpf.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "runtime/catalog.h"
#include "runtime/kernel.h"
#include "syscall/bpf.h"
#include "syscall/fds.h"
#include "syscall/uaccess.h"

namespace {

using osmia::u32;
using osmia::u64;
using osmia::u8;

constexpr u64 kArena = 1 << 16, kPage = 4096;
// Inaccessible memory lies around it: what reaches beyond must come back as EFAULT.
u8* make_arena() {
  constexpr u64 kGuard = 256u << 20;
  auto* p = static_cast<u8*>(
      mmap(nullptr, kArena + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  // The call's own attributes lie on a page before the arena.
  mprotect(p + kGuard - kPage, kPage + kArena, PROT_READ | PROT_WRITE);
  osmia::syscall::restrict_user_memory(reinterpret_cast<u64>(p),
                                       reinterpret_cast<u64>(p + kArena + 2 * kGuard));
  return p + kGuard;
}
u8* const g_arena = make_arena();

osmia::runtime::Kernel& kernel() {
  static auto* k = new osmia::runtime::Kernel(osmia::runtime::build_catalog());
  return *k;
}

// One in eight stays as it is (a wild pointer), the rest land in the arena.
void steer(u64& p) {
  if (p && p % 8) p = reinterpret_cast<u64>(g_arena) + p % kArena;
}

void steer_pointers(int cmd, union bpf_attr& a) {
  switch (cmd) {
    case BPF_MAP_LOOKUP_ELEM:
    case BPF_MAP_UPDATE_ELEM:
    case BPF_MAP_DELETE_ELEM:
    case BPF_MAP_GET_NEXT_KEY:
    case BPF_MAP_LOOKUP_AND_DELETE_ELEM: {
      u64 key = a.key, value = a.value;
      steer(key), steer(value);
      a.key = key, a.value = value;
      break;
    }
    case BPF_PROG_LOAD: {
      u64 v[] = {a.insns, a.license, a.log_buf, a.func_info, a.line_info, a.fd_array};
      for (u64& p : v) steer(p);
      a.insns = v[0], a.license = v[1], a.log_buf = v[2], a.func_info = v[3], a.line_info = v[4],
      a.fd_array = v[5];
      if (a.insn_cnt > 4096) a.insn_cnt %= 4096;
      if (a.log_size > kArena) a.log_size %= 4096;
      break;
    }
    case BPF_BTF_LOAD: {
      u64 data = a.btf, log = a.btf_log_buf;
      steer(data), steer(log);
      a.btf = data, a.btf_log_buf = log;
      if (a.btf_size > kArena) a.btf_size %= kArena;
      if (a.btf_log_size > kArena) a.btf_log_size %= 4096;
      break;
    }
    case BPF_OBJ_GET_INFO_BY_FD: {
      u64 p = a.info.info;
      steer(p);
      a.info.info = p;
      break;
    }
    default: break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
  std::memset(g_arena, 0, kArena);
  std::vector<int> fds;
  const size_t seed = size < kArena ? size : kArena;
  std::memcpy(g_arena, data, seed);  // keys, instructions and BTF come from the same bytes
  for (int calls = 0; size >= 4 && calls < 16; calls++) {
    const int cmd = data[0] % 40;
    const unsigned attr_size = data[1];
    const u8 fd_choice = data[2];
    data += 4, size -= 4;
    union bpf_attr a;
    std::memset(&a, 0, sizeof a);
    const size_t n = size < sizeof a ? size : sizeof a;
    std::memcpy(&a, data, n);
    data += n, size -= n;
    if (cmd == BPF_MAP_CREATE) {
      // Gigabytes are as legal here as on Linux; clearing them is all that the time would go into.
      if (a.value_size > 1 << 20 && a.value_size < 1u << 31) a.value_size %= 1 << 20;
      a.max_entries %= 1 << 20;
      if (u64{a.value_size} * a.max_entries > 16 << 20) a.max_entries = (16 << 20) / a.value_size + 1;
      if (a.map_type == BPF_MAP_TYPE_RINGBUF && a.max_entries > 65536) a.max_entries = 4096;
    } else if (fd_choice % 4 && !fds.empty() && cmd != BPF_PROG_LOAD && cmd != BPF_BTF_LOAD) {
      a.map_fd = static_cast<u32>(fds[fd_choice % fds.size()]);
    }
    // Batches copy wherever they are told to; a count above the arena only repeats EFAULT.
    if (cmd >= BPF_MAP_LOOKUP_BATCH && cmd <= BPF_MAP_DELETE_BATCH) {
      a.batch.keys = reinterpret_cast<u64>(g_arena), a.batch.values = reinterpret_cast<u64>(g_arena) + 4096;
      a.batch.in_batch = 0, a.batch.out_batch = reinterpret_cast<u64>(g_arena) + 60000, a.batch.count %= 8;
      if (!fds.empty()) a.batch.map_fd = static_cast<u32>(fds[fd_choice % fds.size()]);
    }
    if (cmd == BPF_PROG_TEST_RUN || cmd == BPF_OBJ_PIN || cmd == BPF_OBJ_GET)
      continue;  // pins would outlive the input
    steer_pointers(cmd, a);
    auto* attr = reinterpret_cast<union bpf_attr*>(g_arena - kPage);
    *attr = a;
    const long r = osmia::syscall::bpf(kernel(), cmd, attr, attr_size);
    const bool makes_fd = cmd == BPF_MAP_CREATE || cmd == BPF_PROG_LOAD || cmd == BPF_BTF_LOAD ||
                          cmd == BPF_ENABLE_STATS || cmd == BPF_MAP_GET_FD_BY_ID ||
                          cmd == BPF_PROG_GET_FD_BY_ID || cmd == BPF_BTF_GET_FD_BY_ID;
    if (r > 0 && makes_fd) fds.push_back(static_cast<int>(r));
    if (r < -4095) __builtin_trap();
  }
  for (int fd : fds) osmia::syscall::FdTable::instance().close(fd);
  return 0;
}
