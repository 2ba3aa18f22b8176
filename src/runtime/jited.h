// What OBJ_GET_INFO_BY_FD shows of a program's machine code: its bytes, where each function lies in the
// made-up address space of runtime/symbols.h, and the address of each source line. Invariant: functions,
// lines and lengths fit together as libbpf demands: in a function the addresses of the lines rise, its first
// line is at its start.
#pragma once
#include <vector>

#include "runtime/program.h"

namespace osmia::runtime {

struct JitedView {
  std::vector<u8> bytes;       // of these functions; empty: the interpreter runs it
  std::vector<u64> functions;  // an address each, as dump.functions
  std::vector<u32> lengths;    // bytes each; zeros without machine code
  std::vector<u64> lines;      // an address each, as dump.line_info; empty without machine code
};
JitedView jited_view(const Program& p);

}  // namespace osmia::runtime
