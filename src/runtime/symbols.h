// The kernel symbols that dumped programs refer to. Linux shows a call in a dumped program as a distance from
// __bpf_call_base, and a function of a loaded program by its address; /proc/kallsyms has their names. Here
// the addresses are made up, so that nothing of the process shows; what matters is that the table and the
// dumps agree. Invariant: a symbol's address never changes while the process lives.
#pragma once
#include <cstdio>
#include <string>
#include <string_view>

#include "runtime/kernel.h"

namespace osmia::runtime {

// imm of a dumped call to this helper (or internal routine): its symbol's distance from __bpf_call_base.
s32 helper_symbol(std::string_view name);
// Address of a variable of the kernel's that programs compare with ("bpf_map_fops"), 0: there is none here.
u64 data_symbol(std::string_view name);
// Address of a program's function (an index into dump.functions), as jited_ksyms has it.
u64 function_symbol(const Program& program, u32 function);
// Address of a function of the kernel's BTF or a module's.
u64 kernel_symbol(const Kernel& kernel, const BtfObject& btf, u32 type);
// The type id of the function in the kernel's BTF that has this address; 0: none.
u32 kernel_function_at(const Kernel& kernel, u64 address);
// Every symbol as /proc/kallsyms has it, one a line: helpers, kfuncs (whose calls keep the BTF id), and the
// functions of the programs that live now ("bpf_prog_<tag>_<name>").
std::string kallsyms(Kernel& kernel);
// The same, and what `machine` (an open /proc/kallsyms; may be null) has beside: symbols that ours do not
// replace, and none of its programs.
std::string symbol_table(Kernel& kernel, std::FILE* machine);

}  // namespace osmia::runtime
