// `osmia exec -- CMD`: unmodified BPF tools on Osmia's bpf(2).
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "preload/exec.h"

namespace osmia::cli {

int exec(int argc, char** argv) {
  preload::ExecOptions options;
  std::vector<std::string> command;
  CLI::App app("Runs a dynamically linked program whose bpf(2) is Osmia's instead of the kernel's.",
               "osmia exec");
  app.add_option("--btf", options.btf_path, "kernel BTF that the program sees (default: the machine's)");
  app.add_flag("--native", options.native,
               "verify by the profile for embedding, which may accept more than Linux");
  app.add_flag("--unprivileged-bpf-disabled", options.unprivileged_bpf_disabled,
               "as kernel.unprivileged_bpf_disabled=2");
  app.add_option("COMMAND", command, "the program and its arguments, after --")->required();
  app.positionals_at_end();
  app.prefix_command(false);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? kOk : kUsage;
  }
  return complain("exec", preload::exec(command, options).message);
}

}  // namespace osmia::cli
