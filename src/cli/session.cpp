// A Kernel for one command.
#include "cli/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "btf/btf.h"
#include "runtime/catalog.h"
#include "runtime/engine.h"

namespace osmia::cli {

Result<Session> open_session(const SessionOptions& options) {
  constexpr const char* kMachineBtf = "/sys/kernel/btf/vmlinux";
  Session session;
  btf::BtfPtr vmlinux;
  if (!options.btf_path.empty()) {
    OSMIA_ASSIGN(vmlinux, btf::Btf::from_file(options.btf_path));
  } else if (access(kMachineBtf, R_OK) == 0) {
    auto machine = btf::Btf::from_file(kMachineBtf);
    if (machine.ok()) vmlinux = *machine;
  }
  auto catalog = runtime::build_catalog(vmlinux);
  std::vector<std::string> modules;
  if (const char* paths = std::getenv("OSMIA_MODULE_BTF"); paths && vmlinux) {
    OSMIA_ASSIGN(modules, runtime::add_module_btfs(*catalog, paths));
  }
  runtime::add_known_modules(*catalog, modules, options.btf_path.empty());
  session.kernel = std::make_unique<runtime::Kernel>(std::move(catalog), modules);
  session.kernel->native_profile = options.native;
  if (options.unprivileged)
    session.kernel->credentials = [] { return runtime::Cred{.caps = 1, .uid = 65534}; };
  runtime::install_engine(*session.kernel);
  if (!options.jit.empty()) {
    OSMIA_ASSIGN(session.kernel->jit, runtime::jit_mode(options.jit));
  }
  return session;
}

int complain(const char* command, const std::string& message, int status) {
  fmt::print(stderr, "osmia {}: error: {}\n", command, message);
  return status;
}

}  // namespace osmia::cli
