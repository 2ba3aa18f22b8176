// LD_PRELOAD and a few variables that the library reads; the command then takes this process's place.
#include "preload/exec.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace osmia::preload {

std::string library_path() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (const char* given = std::getenv("OSMIA_PRELOAD")) return fs::exists(given, ignored) ? given : "";
  const fs::path dir = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const char* place : {"libosmia-preload.so", "rooms/preload/libosmia-preload.so",
                            "../lib/osmia/libosmia-preload.so", "../rooms/preload/libosmia-preload.so"})
    if (fs::exists(dir / place, ignored)) return fs::canonical(dir / place, ignored).string();
  return "";
}

Error exec(const std::vector<std::string>& command, const ExecOptions& options) {
  if (command.empty()) return {EINVAL, "osmia exec: no command"};
  const std::string library = library_path();
  if (library.empty())
    return {ENOENT,
            "osmia exec: libosmia-preload.so not found beside the osmia binary (or set OSMIA_PRELOAD)"};
  std::string preload = library;
  if (const char* others = std::getenv("LD_PRELOAD"); others && *others) preload += std::string(":") + others;
  setenv("LD_PRELOAD", preload.c_str(), 1);
  if (!options.btf_path.empty()) setenv("OSMIA_BTF", options.btf_path.c_str(), 1);
  if (options.native) setenv("OSMIA_NATIVE", "1", 1);
  if (options.unprivileged_bpf_disabled) setenv("OSMIA_UNPRIVILEGED_BPF", "2", 1);
  std::vector<char*> argv;
  for (const auto& a : command) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  return {errno, "osmia exec: " + command[0] + ": " + std::strerror(errno)};
}

}  // namespace osmia::preload
