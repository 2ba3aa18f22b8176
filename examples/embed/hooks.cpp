// Embeds Osmia with a hook of its own: programs see the requests that this application handles, and may
// refuse them.   hooks hooks.bpf.o
#include <osmia/kernel.h>

#include <cstdio>

struct Request {
  std::uint32_t user = 0;
  std::string text;  // programs do not see it
  std::uint64_t bytes = 0;
};
struct Shared {  // what they see
  std::uint32_t user = 0;
  std::uint64_t bytes = 0;
};

int fail(const osmia::Error& e) {
  std::fprintf(stderr, "hooks: %s\n", e.message.c_str());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: hooks hooks.bpf.o\n"), 2;
  using Handle = int(const Shared*, int);
  osmia::KernelOptions options;
  options.hooks = {osmia::hook<Handle>(
      "app_handle", {"request", "priority"},
      {osmia::describe<Shared>("app_request", {{"user", &Shared::user}, {"bytes", &Shared::bytes}})},
      osmia::HookMode::kModify)};
  auto kernel = osmia::Kernel::create(options);
  if (!kernel) return fail(kernel.error());
  auto handle = kernel->hook<Handle>("app_handle");
  if (!handle) return fail(handle.error());

  const auto request = [&](std::uint64_t bytes, int priority) {
    const Request r{7, "hello", bytes};
    const Shared shared{r.user, r.bytes};
    const int result =
        (*handle)([&](const Shared* s, int) { return static_cast<int>(s->bytes / 100); }, &shared, priority);
    std::printf("%llu bytes, priority %d: %d\n", static_cast<unsigned long long>(bytes), priority, result);
  };
  request(5000, 1);  // nothing is attached yet

  auto file = kernel->open(argv[1]);
  if (!file) return fail(file.error());
  auto object = file->load();
  if (!object) return fail(object.error());
  std::vector<osmia::Link> links;
  for (const osmia::Program& program : object->programs()) {
    auto link = kernel->attach(program, 42);
    if (!link) return fail(link.error());
    links.push_back(*link);
  }
  request(300, 1);
  request(5000, 2);
  request(5000, 10);
  links.clear();
  request(5000, 3);

  struct Globals {
    std::uint64_t calls, bytes, refused, cookie;
  };
  auto bss = object->map(".bss");
  if (!bss) return fail(bss.error());
  const auto seen = bss->get<Globals>(std::uint32_t{0});
  if (!seen) return fail(seen.error());
  std::printf("programs saw %llu calls, %llu bytes, %llu refused, cookie %llu\n",
              static_cast<unsigned long long>(seen->calls), static_cast<unsigned long long>(seen->bytes),
              static_cast<unsigned long long>(seen->refused), static_cast<unsigned long long>(seen->cookie));
}
