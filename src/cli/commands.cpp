// The table of commands, in the order in which --help shows them.
#include "cli/commands.h"

namespace osmia::cli {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"verify", "says for every program whether Linux would take it, and why not", verify},
      {"run", "runs a program over packets and prints what became of them", run},
      {"disasm", "prints a program's instructions", disasm},
      {"btf", "prints BTF: `osmia btf dump FILE`", btf_command},
      {"exec", "runs an unmodified BPF tool on Osmia's bpf(2)", exec},
      {"conformance-plugin", "runs one unverified program for the bpf_conformance suite (tests only)",
       conformance_plugin},
  };
  return kCommands;
}

}  // namespace osmia::cli
