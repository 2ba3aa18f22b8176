// Iterators as a libbpf client sees them: what read(2), stdio and the path of a pin give must be the same,
// and the paths of open files are those that the process opened. For `osmia exec`; exit status 77: no kernel
// BTF.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

int fail(const char* what) {
  std::fprintf(stderr, "iter_client: %s (errno %d)\n", what, errno);
  return 1;
}

bool read_all(int fd, size_t step, std::string& out) {
  std::string piece(step, 0);
  ssize_t n;
  out.clear();
  while ((n = read(fd, piece.data(), step)) > 0) out.append(piece, 0, static_cast<size_t>(n));
  close(fd);
  return n == 0;
}

std::string read_stream(FILE* f) {
  std::string out;
  char line[256];
  while (f && std::fgets(line, sizeof line, f)) out += line;
  if (f) std::fclose(f);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: iter_client OBJECT");
  if (access("/sys/kernel/btf/vmlinux", R_OK)) return 77;
  libbpf_set_print(nullptr);
  bpf_object* object = bpf_object__open(argv[1]);
  if (!object || bpf_object__load(object)) return fail("load");
  bpf_link* maps = bpf_program__attach_iter(bpf_object__find_program_by_name(object, "maps"), nullptr);
  if (!maps) return fail("attach maps");

  std::string whole, small, pinned;
  if (!read_all(bpf_iter_create(bpf_link__fd(maps)), 4096, whole)) return fail("read");
  if (whole.compare(0, 4, "map ") || whole.find("end ") == whole.npos) return fail("what the maps print");
  if (!read_all(bpf_iter_create(bpf_link__fd(maps)), 1, small) || small != whole) return fail("small reads");
  if (read_stream(fdopen(bpf_iter_create(bpf_link__fd(maps)), "r")) != whole) return fail("a stream");

  const char* path = "/sys/fs/bpf/osmia_iter_client";
  if (bpf_obj_pin(bpf_link__fd(maps), path)) return fail("pin");
  if (!read_all(open(path, O_RDONLY), 7, pinned) || pinned != whole) return fail("the pin's path");
  if (read_stream(std::fopen(path, "r")) != whole) return fail("a stream of the pin's path");

  union bpf_iter_link_info which {};
  which.task.pid = static_cast<__u32>(getpid());
  bpf_iter_attach_opts options{};
  options.sz = sizeof options;
  options.link_info = &which, options.link_info_len = sizeof which;
  bpf_link* files = bpf_program__attach_iter(bpf_object__find_program_by_name(object, "files"), &options);
  if (!files) return fail("attach files");
  const int opened = open(argv[1], O_RDONLY);
  std::string paths;
  if (!read_all(bpf_iter_create(bpf_link__fd(files)), 64, paths)) return fail("read files");
  close(opened);
  char real[4096];
  if (!realpath(argv[1], real) || paths.find(std::string(real) + "\n") == paths.npos) return fail("d_path");
  if (paths.find("anon_inode:bpf_link\n") == paths.npos) return fail("the link's own descriptor");
  return 0;
}
