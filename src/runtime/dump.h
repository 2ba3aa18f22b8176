// A loaded program as OBJ_GET_INFO_BY_FD shows it: the rewritten instructions with map ids in place of
// addresses, calls as Linux encodes them once a program is compiled, and debug information that fits the
// rewritten positions. Invariant: a host address is only at the places that `addresses` lists, where whoever
// shows the dump can take it out.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "verifier/verify.h"

namespace osmia::rewrite {
struct ExecProgram;
}

namespace osmia::runtime {

class Program;

struct Dump {
  struct Function {
    std::string name;
    std::array<u8, 8> tag{};
    u32 start = 0;                         // its first instruction
    u32 loaded_start = 0, loaded_end = 0;  // its instructions in the loaded program
  };
  std::vector<isa::Insn> insns;
  std::vector<u32> addresses;  // indexes of ld_imm64 that hold a host address
  std::vector<verifier::FuncInfo> func_info;
  std::vector<verifier::LineInfo> line_info;
  std::vector<u32> line_loaded;     // of each line: where the loaded program has it
  std::vector<Function> functions;  // [0] is the entry; functions that nothing reaches are not there
};

// exec: the rewritten program that is to be shown; null: nothing rewrote it, it is shown as it was loaded.
Dump make_dump(const Program& p, const rewrite::ExecProgram* exec);

}  // namespace osmia::runtime
