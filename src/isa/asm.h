// Text to instructions: the language that the disassembler prints, plus labels and comments, so that tests
// and people can write programs in Linux's own notation.
//
// One statement a line. A line may start with an index ("12:") and an opcode byte ("(bf)"), as logs have
// them, or with a label ("again:"). ";" and "//" start a comment. Jumps, calls and subprog[...] take "pc+N",
// "+N" or a label. Where Linux's text is ambiguous:
// - "rD = 0x5" is ld_imm64 and "rD = 5" is a 64-bit mov, as Linux prints them; "(b7)" or "(18)" before it
// decides,
//   and "rD = 5 ll" is always ld_imm64. "wD = 0x5" is a 32-bit mov.
// - "call NAME#7" is helper 7, also for a name that nobody knows, unless AsmOptions::is_kfunc takes NAME;
//   "call kernel-function#7" is kfunc 7, and "call kernel-function[3]#7" has offset 3.
// - An opcode byte that does not fit the text is an error.
#pragma once
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::isa {

struct AsmOptions {
  // The id of a helper that is called by name alone ("call bpf_map_lookup_elem"). Unset: such calls are
  // errors.
  std::function<std::optional<s32>(std::string_view name)> helper_id;
  // Whether a name in "call NAME#N" is a kfunc's. Unset: it is a helper's.
  std::function<bool(std::string_view name)> is_kfunc;
};

// EINVAL with "line N: expected ..., found ..." (lines count from 1). The result is not validated: any
// register up to r15 and any field value that the text can say is taken.
Result<std::vector<Insn>> assemble(std::string_view text, const AsmOptions& options = {});

}  // namespace osmia::isa
