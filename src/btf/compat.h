// Are two types, possibly of two BTF objects, the same for a given purpose? kfunc arguments and CO-RE ask that.
// All questions are bounded (32 nested steps); too deep is "no".
#pragma once
#include "btf/btf.h"

namespace osmia::btf {

// Name without a CO-RE flavour: "task_struct___old" -> "task_struct".
std::string_view essential_name(std::string_view name);
// CO-RE's type existence rule (bpf_core_types_are_compat): kinds agree, prototypes agree argument by argument.
bool types_are_compat(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// CO-RE's BPF_CORE_TYPE_MATCHES rule (bpf_core_types_match).
bool types_match(const Btf& local, u32 local_id, const Btf& target, u32 target_id);
// Same type by name, kind and size, in whichever BTF: what links a program's "struct task_struct" to the kernel's.
bool same_named_type(const Btf& a, u32 a_id, const Btf& b, u32 b_id);
// Names that say not to mix two otherwise equal types ("struct nf_conn" and "nf_conn___init").
bool is_nocast_alias(const Btf& a, u32 a_id, const Btf& b, u32 b_id);

}  // namespace osmia::btf
