// The Catalog of everything that ships: the generated registries of helpers, program types, kfuncs and map
// types in one immutable object. What a host application registers later makes a new Catalog; this one never
// changes.
#pragma once
#include <memory>

#include "contract/catalog.h"

namespace osmia::runtime {

// Built anew at each call; the definitions in it are the registries' own and live as long as the process.
// vmlinux: the kernel types that programs may name; null = none known.
std::shared_ptr<contract::Catalog> build_catalog(std::shared_ptr<const btf::Btf> vmlinux);
std::shared_ptr<contract::Catalog> build_catalog();

}  // namespace osmia::runtime
