// A libbpf program like any other, run as it is and under `osmia exec`: reads perf records that a test run
// wrote, finds a task's value by its pidfd, asks for its control group. Exit code: 0 all as expected, 1 not,
// 77 the kernel refuses bpf(2). usage: user_side_client OBJECT
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

int failures = 0;
#define EXPECT(what)                                              \
  do {                                                            \
    if (!(what)) {                                                \
      fprintf(stderr, "line %d: expected %s\n", __LINE__, #what); \
      failures++;                                                 \
    }                                                             \
  } while (0)

struct Shared {
  unsigned count, size;
  unsigned long long results[8];
};
struct Client {
  bpf_object* object = nullptr;
  int map(const char* name) const { return bpf_object__find_map_fd_by_name(object, name); }
  int run(const char* name) const {
    unsigned long long args[8] = {};
    LIBBPF_OPTS(bpf_test_run_opts, t);
    t.ctx_in = args;
    t.ctx_size_in = sizeof args;
    return bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, name)), &t);
  }
  Shared* shared() const {
    size_t n;
    return static_cast<Shared*>(bpf_map__initial_value(bpf_object__find_map_by_name(object, ".bss"), &n));
  }
};

struct Seen {
  std::vector<unsigned> numbers;
  unsigned size = 0;
  unsigned long long lost = 0;
};
void sample(void* to, int, void* data, unsigned size) {
  auto* seen = static_cast<Seen*>(to);
  seen->numbers.push_back(*static_cast<unsigned*>(data));
  seen->size = size;
}
void lost(void* to, int, unsigned long long n) {
  static_cast<Seen*>(to)->lost += n;
}

void perf(const Client& c, unsigned count, unsigned size, size_t pages, bool fits) {
  Seen seen;
  perf_buffer* buffer = perf_buffer__new(c.map("events"), pages, sample, lost, &seen, nullptr);
  EXPECT(buffer != nullptr);
  if (!buffer) return;
  EXPECT(perf_buffer__poll(buffer, 0) == 0);  // nothing yet, and no waiting
  c.shared()->count = count;
  c.shared()->size = size;
  memset(c.shared()->results, 0, sizeof c.shared()->results);
  EXPECT(c.run("send") == 0);
  EXPECT(perf_buffer__poll(buffer, 1000) > 0);
  EXPECT(perf_buffer__poll(buffer, 0) == 0);
  EXPECT(seen.numbers.size() + c.shared()->results[0] == count);
  EXPECT(fits == (c.shared()->results[0] == 0));
  if (!fits) EXPECT(c.shared()->results[1] == static_cast<unsigned long long>(-ENOSPC));
  for (unsigned i = 0; i < seen.numbers.size(); i++) EXPECT(seen.numbers[i] == i);
  EXPECT(seen.size == (size + 4 + 7) / 8 * 8 - 4);
  // The next record says how many were lost before it.
  const auto before = c.shared()->results[0];
  c.shared()->count = 1;
  EXPECT(c.run("send") == 0);
  EXPECT(perf_buffer__poll(buffer, 1000) > 0);
  EXPECT(seen.lost == before);
  perf_buffer__free(buffer);
  EXPECT(c.run("send") == 0);
  EXPECT(c.shared()->results[1] == static_cast<unsigned long long>(-ENOENT));
}

int pidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

void storage(const Client& c) {
  const int map = c.map("of_tasks");
  int me = pidfd(getpid());
  unsigned long long value = 0;
  EXPECT(bpf_map_lookup_elem(map, &me, &value) == -ENOENT);
  EXPECT(c.run("count_runs") == 0 && c.run("count_runs") == 0);
  EXPECT(bpf_map_lookup_elem(map, &me, &value) == 0 && value == 2);
  value = 100;
  EXPECT(bpf_map_update_elem(map, &me, &value, BPF_NOEXIST) == -EEXIST);
  EXPECT(bpf_map_update_elem(map, &me, &value, BPF_ANY) == 0);
  EXPECT(c.run("count_runs") == 0);
  EXPECT(bpf_map_lookup_elem(map, &me, &value) == 0 && value == 101);
  // Another thread has a value of its own.
  std::thread([&] { EXPECT(c.run("count_runs") == 0); }).join();
  EXPECT(bpf_map_lookup_elem(map, &me, &value) == 0 && value == 101);
  int wrong = 1;
  EXPECT(bpf_map_lookup_elem(map, &wrong, &value) < 0);
  const pid_t child = fork();
  if (!child) {
    sleep(60);
    _exit(0);
  }
  int other = pidfd(child);
  EXPECT(bpf_map_lookup_elem(map, &other, &value) == -ENOENT);
  value = 7;
  EXPECT(bpf_map_update_elem(map, &other, &value, BPF_NOEXIST) == 0);
  EXPECT(bpf_map_lookup_elem(map, &other, &value) == 0 && value == 7);
  EXPECT(bpf_map_delete_elem(map, &other) == 0);
  EXPECT(bpf_map_delete_elem(map, &other) == -ENOENT);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT(bpf_map_update_elem(map, &other, &value, BPF_ANY) < 0);
  EXPECT(bpf_map_delete_elem(map, &me) == 0);
  int next = 0;
  EXPECT(bpf_map_get_next_key(map, nullptr, &next) == -524);
}

void cgroups(const Client& c) {
  const int map = c.map("groups");
  unsigned key = 0, beyond = 2;
  int root = -1;
  for (const char* path : {"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs"})
    if (!access(path, F_OK))
      root = open(std::string(path, strrchr(path, '/')).c_str(), O_RDONLY | O_DIRECTORY);
  int file = open("/", O_RDONLY | O_DIRECTORY);
  EXPECT(bpf_map_update_elem(map, &key, &file, BPF_ANY) == -EBADF);
  EXPECT(bpf_map_update_elem(map, &beyond, &file, BPF_ANY) == -E2BIG);
  EXPECT(bpf_map_update_elem(map, &key, &file, BPF_EXIST) == -EINVAL);
  EXPECT(c.run("under") == 0);
  EXPECT(c.shared()->results[2] == static_cast<unsigned long long>(-EAGAIN));
  if (root < 0) return;
  EXPECT(bpf_map_update_elem(map, &key, &root, BPF_ANY) == 0);
  EXPECT(c.run("under") == 0);
  EXPECT(c.shared()->results[2] == 1);
  EXPECT(bpf_map_lookup_elem(map, &key, &file) == -524);
  EXPECT(bpf_map_delete_elem(map, &key) == 0);
  EXPECT(bpf_map_delete_elem(map, &key) == -ENOENT);
}

int quiet(enum libbpf_print_level, const char*, va_list) {
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  libbpf_set_print(quiet);
  cpu_set_t cpu;  // records of one CPU: their order is told
  CPU_ZERO(&cpu);
  CPU_SET(0, &cpu);
  sched_setaffinity(0, sizeof cpu, &cpu);
  Client c;
  c.object = bpf_object__open_file(argv[1], nullptr);
  if (!c.object || bpf_object__load(c.object)) {
    fprintf(stderr, "user_side_client: %s: %s\n", argv[1], strerror(errno));
    return errno == EPERM || errno == ENOSYS ? 77 : 1;
  }
  perf(c, 10, 8, 1, true);
  perf(c, 100, 61, 1, false);
  perf(c, 100, 61, 8, true);
  storage(c);
  cgroups(c);
  bpf_object__close(c.object);
  return failures != 0;
}
