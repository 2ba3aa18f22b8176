// Well-known kernel modules that kfuncs live in: their prototypes and types, as declarations (btf/declare.h)
// over the kernel's own BTF. For machines where such a module is not loaded or not there at all: whether a
// program is accepted must not depend on that. Facts of Linux 6.12's headers.
#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace osmia::kfuncs::modules {

struct ModuleDeclarations {
  std::string_view name;
  std::string_view function;  // one of the text: a kernel whose own BTF has it has the module built in
  std::string_view text;      // types that the kernel's BTF has, too, are taken from there
};

// One file in modules/ each, or a family; the list is generated.
const std::vector<const ModuleDeclarations*>& registry();

}  // namespace osmia::kfuncs::modules
