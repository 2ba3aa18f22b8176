// Prints instructions in Linux's own text: what the verifier log and `bpftool prog dump xlated` print, byte
// for byte. No opcode is decided here: the texts come from the opcode table, the names from the caller.
#pragma once
#include <functional>
#include <span>
#include <string>

#include "isa/insn.h"

namespace osmia::isa {

struct DisasmOptions {
  // False hides the immediates of ld_imm64 that stand for pointers (prints 0x0), as Linux does for users
  // without CAP_PERFMON.
  bool show_pointers = true;
  // Prints internal forms of rewritten programs as what they do; else as Linux does, which knows no text for
  // most.
  bool show_internal = false;
  // A helper's name by id, such as "bpf_map_lookup_elem"; empty: unknown. isa/ has no list of helpers.
  std::function<std::string(s32 id)> helper_name;
  // The name of any other callee: a kfunc or a helper without a name gets "NAME#imm", a subprogram gets
  // "pcNAME". Empty result: Linux's default ("kernel-function", "unknown", "+N").
  std::function<std::string(const Insn& call)> call_name;
  // The right side of an ld_imm64 (after show_pointers). Unset: "0x" and the 64-bit immediate in hex.
  std::function<std::string(const Insn& lo, const Insn& hi, u64 imm)> imm_text;
};

// The options of `bpftool prog dump xlated`: map[id:N], map[id:N][0]+M, map[idx:N]+M, subprog[+N], and call
// pc by the offset field, where rewriting leaves the distance. Set helper_name to name helpers.
DisasmOptions xlated_options();
// The options whose text assemble() turns back into exactly the same slots, for every program that passes
// check_insn_fields(): as xlated_options(), and also map[idx:N], btf[id:N] and pseudoS 0x… for what no tool
// prints, kernel-function[N] for a kfunc of another BTF, and call pc by the imm field.
DisasmOptions source_options();

// The instruction at idx, from "(bf) ..." on, without a newline. A missing second slot of ld_imm64 reads as
// zero.
std::string disasm(std::span<const Insn> prog, size_t idx, const DisasmOptions& options = {});
// The whole program, one instruction a line: "%4u: (bf) ..." as bpftool has it.
std::string disasm_program(std::span<const Insn> prog, const DisasmOptions& options = {});

}  // namespace osmia::isa
