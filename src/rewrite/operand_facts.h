// Operand facts: what the operands of each instruction can be, and which results anybody reads, for code
// generators. From two plain flow analyses of the rewritten program, so they hold on every path whatever the
// verifier pruned: pruning compares a scalar only where its value mattered for safety, and a fact taken from
// the states that it did explore would be wrong for the paths that it did not. docs/facts.md lists all facts.
#pragma once
#include <vector>

#include "rewrite/exec_program.h"

namespace osmia::rewrite {

// Unsigned, both ends included. As read: 64-bit operations see the register, 32-bit ones its low half.
struct Range {
  u64 min = 0, max = ~u64{0};
  bool is_constant() const { return min == max; }
  bool is_nonzero() const { return min != 0; }
  bool fits32() const { return max <= 0xffffffffu; }
  bool contains(u64 v) const { return v >= min && v <= max; }
  friend bool operator==(const Range&, const Range&) = default;
};

struct OperandFacts {
  // Whole registers before the instruction; an immediate source is a constant (sign-extended, or for 32-bit
  // operations zero-extended). Of a pointer nothing is known.
  Range dst, src;
  bool reached = false;  // no path leads here
  // Conditional jumps: the edge may be followed.
  bool may_take = true, may_fall = true;
  // Bit n: register n is read later, before it is overwritten. live_high: and more than its low 32 bits are.
  u16 live = 0, live_high = 0;
  bool result_unused(u8 reg) const { return !(live >> reg & 1); }
  bool needs_zext(u8 reg) const { return live_high >> reg & 1; }
};

// One for each instruction (the second half of a 64-bit load has none of its own). Time and memory are
// linear in the instructions, but for a few rounds through loops.
std::vector<OperandFacts> operand_facts(const ExecProgram& program);

// -- its two parts
void find_value_ranges(const ExecProgram& program, std::vector<OperandFacts>& out);
void find_live_registers(const ExecProgram& program, std::vector<OperandFacts>& out);

}  // namespace osmia::rewrite
