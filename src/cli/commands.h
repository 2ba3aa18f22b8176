// The commands of `osmia`. A new one is a file with its main function and one line in commands.cpp.
#pragma once
#include <span>

namespace osmia::cli {

struct Command {
  const char* name;     // as typed
  const char* summary;  // one line for --help
  // argv[0] is the command's name. Gives the process's exit status: 0 success, 1 a negative answer, 2 usage
  // or load error.
  int (*main)(int argc, char** argv);
};

std::span<const Command> commands();

int conformance_plugin(int argc, char** argv);
int verify(int argc, char** argv);
int run(int argc, char** argv);
int disasm(int argc, char** argv);
int btf_command(int argc, char** argv);
int exec(int argc, char** argv);

}  // namespace osmia::cli
