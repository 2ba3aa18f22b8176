// BTF as compilable C (`bpftool btf dump file F format c`): types in the order that their definitions need,
// forward declarations for cycles, padding and packing such that a C compiler gives the same layout. Total:
// hostile BTF gives odd text, but bounded (a closing comment says when something was left out).
#pragma once
#include <string>

#include "btf/btf.h"

namespace osmia::btf {

struct CDumpOptions {
  bool frame =
      true;  // the "#ifndef __VMLINUX_H__ … #pragma clang attribute" frame that bpftool puts around it
  bool sorted =
      true;  // bpftool's stable order (enums, integers, structs … by name); false: by id ("c unsorted")
  // bpftool 7.5's sorted dump never asks for the first type of its order (an off-by-one: a definition can be
  // missing). True leaves it out as well, for comparison to the letter.
  bool skip_first = false;
};
// All types, those of the base included, as bpftool does.
std::string dump_c(const Btf& btf, const CDumpOptions& options = {});
// One type's C declaration without its definition: "struct foo *", "int (*)(void)", "const char[16]". With a
// name, the declarator holds it: "struct foo *name".
std::string c_type_name(const Btf& btf, u32 id, std::string_view name = {});

}  // namespace osmia::btf
