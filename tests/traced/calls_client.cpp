// A libbpf program as people write them: attaches to the tracepoints of system calls, makes some, and looks
// at what its programs saw. Run under `osmia exec`. Exit code: 0 all as expected, 1 not, 77 not this CPU.
// usage: calls_client OBJECT
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

int failures = 0;
#define EXPECT_EQ(a, b)                                                                                  \
  do {                                                                                                   \
    const long long x = static_cast<long long>(a), y = static_cast<long long>(b);                        \
    if (x != y) fprintf(stderr, "line %d: %s is %lld, expected %lld\n", __LINE__, #a, x, y), failures++; \
  } while (0)

struct Seen {
  unsigned long long entered, left, argument, result, one_entered, one_argument, all_left, all_result, cookie;
};

bpf_link* attach(bpf_object* object, const char* name) {
  bpf_link* link = bpf_program__attach(bpf_object__find_program_by_name(object, name));
  if (!link) fprintf(stderr, "%s: not attached: %s\n", name, strerror(errno)), failures++;
  return link;
}

// Pins are files of a BPF file system that this process has for itself.
void pins(bpf_object* object) {
  const std::string folder = "/sys/fs/bpf/calls_client", path = folder + "/seen";
  struct stat st;
  bpf_map* const map = bpf_object__find_map_by_name(object, ".bss");
  EXPECT_EQ(stat(folder.c_str(), &st), -1);
  EXPECT_EQ(bpf_map__pin(map, path.c_str()), 0);
  EXPECT_EQ(stat(folder.c_str(), &st), 0);
  EXPECT_EQ(S_ISDIR(st.st_mode), 1);
  EXPECT_EQ(stat(path.c_str(), &st), 0);
  EXPECT_EQ(S_ISREG(st.st_mode), 1);
  EXPECT_EQ(access(path.c_str(), R_OK), 0);
  FILE* const text = fopen(path.c_str(), "r");
  char line[256] = "";
  EXPECT_EQ(text && fgets(line, sizeof line, text), true);
  EXPECT_EQ(strncmp(line, "# WARNING", 9), 0);
  if (text) fclose(text);
  const int again = bpf_obj_get(path.c_str());
  EXPECT_EQ(again >= 0, true);
  close(again);
  EXPECT_EQ(bpf_map__unpin(map, path.c_str()), 0);
  EXPECT_EQ(access(path.c_str(), F_OK), -1);
  EXPECT_EQ(bpf_obj_get(path.c_str()), -ENOENT);
}

// What Linux does with memory that is a map's.
void mappings() {
  const size_t page = 4096;
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "mapped", 4, page, 2, &options);
  EXPECT_EQ(fd >= 0, true);
  bpf_map_info info = {};
  unsigned size = sizeof info;
  EXPECT_EQ(bpf_map_get_info_by_fd(fd, &info, &size), 0);
  char* const at = static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
  EXPECT_EQ(at != MAP_FAILED, true);
  EXPECT_EQ(mprotect(at, page, PROT_READ | PROT_EXEC), -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(mremap(at, 2 * page, 4 * page, MREMAP_MAYMOVE) == MAP_FAILED, true);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(mprotect(at, page, PROT_READ), 0);
  EXPECT_EQ(mprotect(at, page, PROT_READ | PROT_WRITE), 0);
  close(fd);
  fd = bpf_map_get_fd_by_id(info.id);  // the mapping keeps the map
  EXPECT_EQ(fd >= 0, true);
  EXPECT_EQ(bpf_map_freeze(fd), -EBUSY);
  EXPECT_EQ(munmap(at, page), 0);
  EXPECT_EQ(bpf_map_freeze(fd), -EBUSY);
  EXPECT_EQ(munmap(at + page, page), 0);
  EXPECT_EQ(bpf_map_freeze(fd), 0);
  char* const readable = static_cast<char*>(mmap(nullptr, page, PROT_READ, MAP_SHARED, fd, 0));
  EXPECT_EQ(readable != MAP_FAILED, true);
  EXPECT_EQ(mprotect(readable, page, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);
  EXPECT_EQ(munmap(readable, page), 0);
  close(fd);
  EXPECT_EQ(bpf_map_get_fd_by_id(info.id), -ENOENT);
}

}  // namespace

int main(int argc, char** argv) {
#if !defined(__x86_64__)
  return 77;
#endif
  if (argc != 2) return fprintf(stderr, "usage: calls_client OBJECT\n"), 1;
  bpf_object* object = bpf_object__open_file(argv[1], nullptr);
  if (!object || bpf_object__load(object)) return fprintf(stderr, "%s: not loaded\n", argv[1]), 1;
  size_t size = 0;
  auto* const bss =
      static_cast<char*>(bpf_map__initial_value(bpf_object__find_map_by_name(object, ".bss"), &size));
  // The order of the two variables is the compiler's.
  const bool number_first = size == sizeof(long) + sizeof(Seen);
  EXPECT_EQ(number_first, true);
  long& number = *reinterpret_cast<long*>(bss);
  const Seen& seen = *reinterpret_cast<const Seen*>(bss + sizeof(long));
  number = SYS_getpgid;

  syscall(SYS_getpgid, 0);
  EXPECT_EQ(seen.entered, 0);
  bpf_link* links[] = {attach(object, "raw_enter"), attach(object, "raw_exit"), nullptr,
                       attach(object, "all_exit")};
  LIBBPF_OPTS(bpf_tracepoint_opts, options, .bpf_cookie = 0x1234);
  links[2] = bpf_program__attach_tracepoint_opts(bpf_object__find_program_by_name(object, "one_enter"),
                                                 "syscalls", "sys_enter_getpgid", &options);
  EXPECT_EQ(links[2] != nullptr, true);

  const long group = syscall(SYS_getpgid, 0);
  EXPECT_EQ(group > 0, true);
  EXPECT_EQ(seen.entered, 1);
  EXPECT_EQ(seen.left, 1);
  EXPECT_EQ(seen.argument, 0);
  EXPECT_EQ(seen.result, group);
  EXPECT_EQ(seen.one_entered, 1);
  EXPECT_EQ(seen.all_left, 1);
  EXPECT_EQ(seen.all_result, group);
  EXPECT_EQ(seen.cookie, 0x1234);
  errno = 0;
  EXPECT_EQ(syscall(SYS_getpgid, -1L), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(seen.argument, -1);
  EXPECT_EQ(seen.one_argument, -1);
  EXPECT_EQ(seen.result, -ESRCH);
  EXPECT_EQ(seen.all_result, -ESRCH);

  number = SYS_clock_nanosleep;
  usleep(1);
  EXPECT_EQ(seen.entered, 3);
  EXPECT_EQ(seen.left, 3);
  EXPECT_EQ(seen.result, 0);
  EXPECT_EQ(seen.one_entered, 2);

  for (bpf_link* link : links) bpf_link__destroy(link);
  usleep(1);
  syscall(SYS_getpgid, 0);
  EXPECT_EQ(seen.entered, 3);
  EXPECT_EQ(seen.one_entered, 2);
  pins(object);
  mappings();
  bpf_object__close(object);
  return failures != 0;
}
