// One statement of assembler text to one instruction. Operators and access types are looked up in the opcode
// table by text, so that a row there is at once a form that can be written. Labels stay open: each use leaves
// a Fixup.
#pragma once
#include <string>
#include <vector>

#include "isa/asm.h"
#include "isa/asm_cursor.h"

namespace osmia::isa {

enum class LabelField : u8 { kOff, kImm };

// A field that waits for the distance from the instruction after `insn` to a label.
struct Fixup {
  size_t insn;
  LabelField field;
  std::string label;
  int line;
};

// Parses what is left of a line after labels and an index, appends its slots to `out`, and its open labels to
// `fixups`. After an error both are of no use.
Status assemble_statement(AsmCursor at, int line, const AsmOptions& options, std::vector<Insn>& out,
                          std::vector<Fixup>& fixups);

}  // namespace osmia::isa
