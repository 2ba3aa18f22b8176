// BTF as compilable C (`bpftool btf dump file F format c`): types in the order their definitions need, forward
// declarations for cycles, padding and packing such that a C compiler gives the same layout.
#pragma once
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

struct CDumpOptions {
  bool wrapper = true;  // the "#ifndef __VMLINUX_H__ … #pragma clang attribute" frame that bpftool puts around it
};
// All types of this BTF (and what they need of its base).
std::string dump_c(const Btf& btf, const CDumpOptions& options = {});
// One type's C declaration without its definition: "struct foo *", "int (*)(void)", "const char[16]". With a name, the
// declarator holds it: "struct foo *name".
std::string c_type_name(const Btf& btf, u32 id, std::string_view name = {});

}  // namespace osmia::btf
