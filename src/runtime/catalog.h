// The Catalog of everything that ships: the generated registries of helpers, program types, kfuncs and map
// types in one immutable object. What a host application registers later makes a new Catalog; this one never
// changes.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "contract/catalog.h"

namespace osmia::runtime {

// Built anew at each call; the definitions in it are the registries' own and live as long as the process.
// vmlinux: the kernel types that programs may name; null = none known.
std::shared_ptr<contract::Catalog> build_catalog(std::shared_ptr<const btf::Btf> vmlinux);
std::shared_ptr<contract::Catalog> build_catalog();

// Reads BTF files of modules into the catalog (before a Kernel has it): `paths` separated by ':', each split
// BTF over catalog.vmlinux. Gives their names, as Kernel wants them: a module is named after its file,
// bpf_testmod-6.12.btf is bpf_testmod. Errors: the first file that cannot be read.
Result<std::vector<std::string>> add_module_btfs(contract::Catalog& catalog, std::string_view paths);

// The well-known modules (kfuncs/modules.h) that are neither in `names` nor built into catalog.vmlinux: their
// BTF as the machine gives it (machine: vmlinux is this machine's), else made from Osmia's declarations over
// vmlinux. A module whose types this kernel lacks is left out. Appends to catalog.modules and to names.
void add_known_modules(contract::Catalog& catalog, std::vector<std::string>& names, bool machine);

}  // namespace osmia::runtime
