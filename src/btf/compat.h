// Are two types, possibly of two BTF objects, the same for a given purpose? kfunc arguments and CO-RE ask
// that. All questions are bounded (32 nested steps); too deep is "no".
#pragma once
#include "btf/btf.h"

namespace osmia::btf {

// Name without a CO-RE flavour: "task_struct___old" -> "task_struct".
std::string_view essential_name(std::string_view name);
// CO-RE's type existence rule (bpf_core_types_are_compat): kinds agree, prototypes agree argument by
// argument. Names of the two roots are the caller's to compare.
bool types_are_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// CO-RE's type matching rule (bpf_core_types_match): members exist by name and match in turn.
bool types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// A struct or union of the same name and kind: what links a program's "struct task_struct" to the kernel's.
bool same_named_type(const Btf& a, u32 a_id, const Btf& b, u32 b_id);
// "nf_conn" and "nf_conn___init": same layout, but one may not pass for the other.
bool is_nocast_alias(const Btf& a, u32 a_id, const Btf& b, u32 b_id);

}  // namespace osmia::btf
