// Objects that are open, by the driver's key, and what libbpf says about them.
#include "worker.h"

namespace osmia::bench {
namespace {

std::string g_messages;

int keep_messages(enum libbpf_print_level level, const char* format, va_list args) {
  if (level == LIBBPF_DEBUG || g_messages.size() > 65536) return 0;
  char line[4096];
  vsnprintf(line, sizeof line, format, args);
  g_messages += line;
  return 0;
}

}  // namespace

Objects& objects() {
  static Objects all = [] {
    libbpf_set_print(keep_messages);
    return Objects{};
  }();
  return all;
}

bpf_program* find_program(const std::string& key, const std::string& name) {
  const auto it = objects().find(key);
  if (it == objects().end()) return nullptr;
  return name == "-" ? bpf_object__next_program(it->second->object, nullptr)
                     : bpf_object__find_program_by_name(it->second->object, name.c_str());
}

std::string libbpf_messages() {
  std::string out;
  out.swap(g_messages);
  return out;
}

}  // namespace osmia::bench
