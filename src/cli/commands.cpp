// The table of commands, in the order in which --help shows them.
#include "cli/commands.h"

namespace osmia::cli {

std::span<const Command> commands() {
  static constexpr Command kCommands[] = {
      {"conformance-plugin", "runs one unverified program for the bpf_conformance suite (tests only)", conformance_plugin},
  };
  return kCommands;
}

}  // namespace osmia::cli
