// What can be said of a program's fields without following any path, with Linux 6.12's words for it.
// Linux looks at fields at two times: when it loads a program it looks at every instruction (opcodes,
// ld_imm64 pairs, loads), and all other fields only when a path visits the instruction, so that dead code may
// hold anything there. The verifier keeps that split; validate() is the strict form for everyone else.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "isa/insn.h"

namespace osmia::isa {

struct FieldError {
  int insn_idx = 0;
  int code = EINVAL;    // a positive errno
  std::string message;  // Linux's text, no trailing newline
};

// The load-time checks over the whole program, in order of instruction; the first failure.
std::optional<FieldError> check_fields(std::span<const Insn> prog);
// The load-time checks of one instruction. `next` is the following slot, nullptr at the program's end.
std::optional<std::string> check_load_fields(const Insn& insn, const Insn* next);

// All field checks of one instruction: those of check_load_fields(), reserved fields, register numbers,
// constant zero divisors, shift counts, atomic operations and address spaces, in the order in which Linux
// makes them. Writes to R10 are not refused here: that message is the verifier's, with -EACCES.
std::optional<std::string> check_insn_fields(const Insn& insn, const Insn* next);

// The strict form: a program that is not empty, has at most kComplexityLimitInsns slots, passes
// check_insn_fields() everywhere (dead code too), jumps and calls only to starts of instructions in it, and
// does not run off its end. EINVAL or E2BIG; the message names the instruction.
Status validate(std::span<const Insn> prog);

}  // namespace osmia::isa
