// Are two types, possibly of two BTF objects, the same for a given purpose? kfunc arguments and CO-RE ask
// that. All questions are bounded (32 nested steps); too deep is "no".
#pragma once
#include "btf/btf.h"

namespace osmia::btf {

// Name without a CO-RE flavour: "task_struct___old" -> "task_struct".
std::string_view essential_name(std::string_view name);
enum class Related { kNo, kYes, kTooDeep };
// How deep prototypes and structs may nest: libbpf looks further than the kernel does.
inline constexpr int kLibbpfLevels = 32, kKernelLevels = 2;
// CO-RE's type existence rule (bpf_core_types_are_compat): kinds agree, prototypes agree argument by
// argument. Names of the two roots are the caller's to compare.
Related core_types_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id, int levels);
bool types_are_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// CO-RE's type matching rule (bpf_core_types_match): members exist by name and match in turn.
Related core_types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id, int levels);
bool types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// CO-RE's rule for a field's type: what may stand in for it (bpf_core_fields_are_compat). Sizes and
// signedness of integers do not count.
Related core_fields_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// A struct or union of the same name and kind: what links a program's "struct task_struct" to the kernel's.
bool same_named_type(const Btf& a, u32 a_id, const Btf& b, u32 b_id);
// "nf_conn" and "nf_conn___init": same layout, but one may not pass for the other.
bool is_nocast_alias(const Btf& a, u32 a_id, const Btf& b, u32 b_id);

}  // namespace osmia::btf
