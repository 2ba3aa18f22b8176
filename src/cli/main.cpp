// `osmia COMMAND ...`: finds the command and hands over. It knows no command by name but help and version.
#include <cstdio>
#include <cstring>

#include "cli/commands.h"

namespace {

void usage(std::FILE* out) {
  std::fputs("usage: osmia COMMAND [ARGUMENT...]\n\ncommands:\n", out);
  for (const auto& c : osmia::cli::commands()) std::fprintf(out, "  %-20s %s\n", c.name, c.summary);
  std::fputs("\n  osmia COMMAND --help explains a command; osmia --version prints the version.\n", out);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    usage(stderr);
    return 2;
  }
  const char* name = argv[1];
  if (!std::strcmp(name, "--help") || !std::strcmp(name, "-h") || !std::strcmp(name, "help")) {
    usage(stdout);
    return 0;
  }
  if (!std::strcmp(name, "--version") || !std::strcmp(name, "-V")) {
    std::puts("osmia " OSMIA_VERSION);
    return 0;
  }
  for (const auto& c : osmia::cli::commands())
    if (!std::strcmp(name, c.name)) return c.main(argc - 1, argv + 1);
  std::fprintf(stderr, "osmia: expected a command, found \"%s\" (osmia --help lists them)\n", name);
  return 2;
}
