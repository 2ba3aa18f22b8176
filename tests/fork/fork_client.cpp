// Maps and programs across fork(): what a child writes its parent reads, and the other way round; what a
// child makes is its own; descriptors, mapped memory, references and grandchildren. The same on Linux.
// 77: bpf(2) is refused.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace {

#define REQUIRE(condition)                                                                      \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      std::fprintf(stderr, "%s:%d: %s (errno %d: %s)\n", __FILE__, __LINE__, #condition, errno, \
                   std::strerror(errno));                                                       \
      _exit(1);                                                                                 \
    }                                                                                           \
  } while (0)

long bpf(int cmd, union bpf_attr& a) {
  return syscall(SYS_bpf, cmd, &a, sizeof a);
}
int make(uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags = 0) {
  union bpf_attr a = {};
  a.map_type = type, a.key_size = key, a.value_size = value, a.max_entries = entries, a.map_flags = flags;
  return static_cast<int>(bpf(BPF_MAP_CREATE, a));
}
int element(int cmd, int map, uint32_t key, uint64_t* value, uint64_t flags = 0) {
  union bpf_attr a = {};
  a.map_fd = static_cast<uint32_t>(map), a.key = reinterpret_cast<uint64_t>(&key),
  a.value = reinterpret_cast<uint64_t>(value), a.flags = flags;
  return bpf(cmd, a) ? -errno : 0;
}
int put(int map, uint32_t key, uint64_t value, uint64_t flags = 0) {
  return element(BPF_MAP_UPDATE_ELEM, map, key, &value, flags);
}
uint64_t get(int map, uint32_t key) {
  uint64_t value = ~0ull;
  return element(BPF_MAP_LOOKUP_ELEM, map, key, &value) ? ~0ull : value;
}
uint32_t id_of(int map) {
  bpf_map_info info = {};
  union bpf_attr a = {};
  a.info.bpf_fd = static_cast<uint32_t>(map), a.info.info_len = sizeof info,
  a.info.info = reinterpret_cast<uint64_t>(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, a) ? 0 : info.id;
}
int open_id(uint32_t id) {
  union bpf_attr a = {};
  a.map_id = id;
  const long fd = bpf(BPF_MAP_GET_FD_BY_ID, a);
  return fd < 0 ? -errno : static_cast<int>(fd);
}
// Counts its runs in element 0 of the map.
int load_counter(int map) {
  const bpf_insn insns[] = {
      {BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_VALUE, 0, map},
      {0, 0, 0, 0, 0},
      {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1},
      {BPF_STX | BPF_DW | BPF_ATOMIC, 1, 0, 0, BPF_ADD},
      {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
  };
  union bpf_attr a = {};
  a.prog_type = BPF_PROG_TYPE_XDP;
  a.insns = reinterpret_cast<uint64_t>(insns), a.insn_cnt = 5, a.license = reinterpret_cast<uint64_t>("GPL");
  return static_cast<int>(bpf(BPF_PROG_LOAD, a));
}
int test_run(int prog) {
  char packet[64] = {};
  union bpf_attr a = {};
  a.test.prog_fd = static_cast<uint32_t>(prog);
  a.test.data_in = reinterpret_cast<uint64_t>(packet), a.test.data_size_in = sizeof packet;
  return bpf(BPF_PROG_TEST_RUN, a) ? -errno : static_cast<int>(a.test.retval);
}
void in_child(const std::function<void()>& what) {
  const pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (!pid) {
    what();
    _exit(0);
  }
  int status;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  REQUIRE(status == 0);
}

}  // namespace

int main() {
  const int hash = make(BPF_MAP_TYPE_HASH, 4, 8, 1000);
  if (hash < 0 && errno == EPERM) return std::puts("notice: bpf(2) is refused here"), 77;
  REQUIRE(hash >= 0);

  // Both ways, and errors too.
  REQUIRE(put(hash, 1, 100) == 0);
  in_child([&] {
    REQUIRE(get(hash, 1) == 100);
    REQUIRE(put(hash, 1, 5, BPF_NOEXIST) == -EEXIST);
    REQUIRE(put(hash, 2, 200) == 0);
    REQUIRE(put(9999, 2, 200) == -EBADF);
    REQUIRE(put(0, 2, 200) == -EINVAL);
    uint64_t* nowhere = nullptr;
    REQUIRE(element(BPF_MAP_LOOKUP_ELEM, hash, 1, nowhere) == -EFAULT);
  });
  REQUIRE(get(hash, 2) == 200);

  // Many at once.
  pid_t children[8];
  for (uint32_t c = 0; c < 8; c++) {
    children[c] = fork();
    REQUIRE(children[c] >= 0);
    if (children[c]) continue;
    for (uint32_t i = 0; i < 50; i++) REQUIRE(put(hash, 100 + c * 50 + i, c, BPF_NOEXIST) == 0);
    _exit(0);
  }
  for (const pid_t pid : children) {
    int status;
    REQUIRE(waitpid(pid, &status, 0) == pid && status == 0);
  }
  for (uint32_t i = 0; i < 400; i++) REQUIRE(get(hash, 100 + i) == i / 50);

  // Programs: loaded here or there, they run on the same map.
  const int counts = make(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
  REQUIRE(counts >= 0);
  const int prog = load_counter(counts);
  REQUIRE(prog >= 0);
  in_child([&] {
    REQUIRE(test_run(prog) == 1);
    const int own = load_counter(counts);
    REQUIRE(own >= 0);
    REQUIRE(test_run(own) == 1);
  });
  REQUIRE(get(counts, 0) == 2);

  // Memory that is mapped, before the fork and behind it.
  void* const before = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
  REQUIRE(before != MAP_FAILED);
  in_child([&] {
    auto* word = static_cast<volatile uint64_t*>(before);
    REQUIRE(*word == 2);
    void* const behind = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counts, 0);
    REQUIRE(behind != MAP_FAILED);
    *static_cast<volatile uint64_t*>(behind) = 40;
    REQUIRE(*word == 40);
    const int own = make(BPF_MAP_TYPE_ARRAY, 4, 8, 4, BPF_F_MMAPABLE);
    REQUIRE(own >= 0);
    auto* of_own =
        static_cast<volatile uint64_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, own, 0));
    REQUIRE(of_own != MAP_FAILED);
    of_own[3] = 33;
    REQUIRE(get(own, 3) == 33);
    REQUIRE(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, hash, 0) == MAP_FAILED);
  });
  REQUIRE(get(counts, 0) == 40);

  // What a child makes goes with it; what it still holds stays.
  int pipes[2], held[2];
  REQUIRE(pipe(pipes) == 0 && pipe(held) == 0);
  const pid_t holder = fork();
  REQUIRE(holder >= 0);
  if (!holder) {
    close(pipes[0]);
    close(held[1]);
    const int own = make(BPF_MAP_TYPE_HASH, 4, 8, 10);
    REQUIRE(own >= 0 && put(own, 1, 11) == 0);
    uint32_t id = id_of(own);
    REQUIRE(write(pipes[1], &id, sizeof id) == sizeof id);
    char done;
    REQUIRE(read(held[0], &done, 1) == 1);
    REQUIRE(get(own, 1) == 12);  // the parent's
    _exit(0);
  }
  uint32_t id = 0;
  REQUIRE(read(pipes[0], &id, sizeof id) == sizeof id);
  const int opened = open_id(id);
  REQUIRE(opened >= 0);
  REQUIRE(get(opened, 1) == 11 && put(opened, 1, 12) == 0);
  close(opened);
  REQUIRE(write(held[1], "x", 1) == 1);
  int status;
  REQUIRE(waitpid(holder, &status, 0) == holder && status == 0);
  for (int i = 0; i < 500 && (status = open_id(id)) >= 0; i++) close(status), usleep(10000);
  REQUIRE(status == -ENOENT);

  // A descriptor that the parent has closed lives on in the child; copies; grandchildren.
  const int shared = make(BPF_MAP_TYPE_HASH, 4, 8, 10);
  REQUIRE(shared >= 0 && put(shared, 7, 70) == 0);
  const pid_t heir = fork();
  REQUIRE(heir >= 0);
  if (!heir) {
    char go;
    REQUIRE(read(held[0], &go, 1) == 1);
    REQUIRE(get(shared, 7) == 70);
    const int copy = dup(shared), other = fcntl(shared, F_DUPFD_CLOEXEC, 500);
    REQUIRE(copy >= 0 && other >= 500);
    REQUIRE(dup2(shared, 600) == 600);
    close(shared);
    REQUIRE(get(shared, 7) == ~0ull && errno == EBADF);
    REQUIRE(get(copy, 7) == 70 && get(other, 7) == 70 && get(600, 7) == 70);
    in_child([&] {
      REQUIRE(put(copy, 8, 80) == 0);
      const int own = make(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
      REQUIRE(own >= 0 && put(own, 0, 3) == 0 && get(own, 0) == 3);
    });
    REQUIRE(get(copy, 8) == 80);
    _exit(0);
  }
  close(shared);
  REQUIRE(write(held[1], "x", 1) == 1);
  REQUIRE(waitpid(heir, &status, 0) == heir && status == 0);
  std::puts("fork: OK");
  return 0;
}
