// State printing exactly as Linux 6.12 prints it, and source lines. Message texts live beside the checks that
// raise them.
#pragma once
#include "verifier/env.h"

namespace osmia::verifier {

// " R0=... fp-8=..." of one frame: everything (print_all) or only what was scratched since the last print.
void print_frame_state(Env& env, const PathState& st, u32 frame, bool print_all);
// The state after the current instruction, aligned behind it ("; R1_w=..."), at log level 2.
void print_insn_state(Env& env, const PathState& st);
void print_source_line(Env& env, u32 insn_idx, std::string_view prefix);
void print_insn(Env& env, u32 insn_idx);  // "12: (bf) r1 = r2 "
void mark_verifier_state_clean(Env& env);
void mark_state_scratched(Env& env);  // print everything next time

std::string reg_type_str(const Env& env, RegType type);  // "map_value_or_null", "scalar", "ptr_"
std::string_view dynptr_kind_str(DynptrKind k);
std::string iter_type_str(const btf::Btf* btf, u32 btf_id);
std::string_view iter_state_str(IterState s);

}  // namespace osmia::verifier
