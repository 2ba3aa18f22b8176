// Attaches every program of an object that attaches by itself, makes test runs of those that have one, and
// prints what each attachment and run gave and the words of .bss: a plain libbpf program, for `osmia exec`.
// Arguments: an object, then the names of programs to run (none: all). With "-t OBJECT" in front the programs
// are loaded for functions of that object's first program, and its test run is made.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  if (argc < 2) return std::fprintf(stderr, "usage: attach_client OBJECT [PROGRAM…]\n"), 2;
  libbpf_set_print([](libbpf_print_level level, const char* format, va_list args) {
    return level == LIBBPF_WARN ? std::vfprintf(stderr, format, args) : 0;
  });
  bpf_program* target = nullptr;
  if (argc > 3 && !std::strcmp(argv[1], "-t")) {
    bpf_object* o = bpf_object__open_file(argv[2], nullptr);
    if (!o || bpf_object__load(o)) return std::printf("target not loaded: %s\n", std::strerror(errno)), 1;
    target = bpf_object__next_program(o, nullptr);
    argv += 2, argc -= 2;
  }
  bpf_object* object = bpf_object__open_file(argv[1], nullptr);
  bpf_program* p;
  if (object && target)
    bpf_object__for_each_program(
        p, object) if (bpf_program__set_attach_target(p, bpf_program__fd(target), nullptr))
        std::printf("no target\n");
  if (!object || bpf_object__load(object)) return std::printf("not loaded: %s\n", std::strerror(errno)), 1;
  std::vector<bpf_link*> links;
  bpf_object__for_each_program(p, object) {
    if (!bpf_program__autoattach(p)) continue;
    bpf_link* link = bpf_program__attach(p);
    std::printf("attach %s: %s\n", bpf_program__name(p), link ? "ok" : std::strerror(errno));
    if (link) links.push_back(link);
  }
  const auto run = [](const bpf_program* q) {
    LIBBPF_OPTS(bpf_test_run_opts, options);
    char packet[74] = {};
    if (bpf_program__type(q) != BPF_PROG_TYPE_TRACING)
      options.data_in = packet, options.data_size_in = sizeof packet;
    const int e = bpf_prog_test_run_opts(bpf_program__fd(q), &options);
    std::printf("run %s: %s, %#x\n", bpf_program__name(q), e ? std::strerror(errno) : "ok", options.retval);
  };
  if (target) run(target);
  bpf_object__for_each_program(p, object) {
    bool wanted = argc == 2 && !target;
    for (int i = 2; i < argc; i++) wanted |= !std::strcmp(argv[i], bpf_program__name(p));
    if (wanted) run(p);
  }
  for (bpf_link* link : links) bpf_link__destroy(link);
  if (bpf_map* bss = bpf_object__find_map_by_name(object, ".bss")) {
    size_t size = 0;
    const auto* words = static_cast<const uint64_t*>(bpf_map__initial_value(bss, &size));
    for (size_t i = 0; words && i < size / 8; i++)
      std::printf("%s%llx", i ? " " : "bss ", static_cast<unsigned long long>(words[i]));
    std::printf("\n");
  }
  bpf_object__close(object);
  return 0;
}
