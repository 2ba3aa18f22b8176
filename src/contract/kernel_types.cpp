// vmlinux first, then the modules in their order; a destructor is known by its type's name.
#include "contract/kernel_types.h"

namespace osmia::contract {

btf::KernelTypes::Found CatalogTypes::find(std::string_view name, btf::Kind kind) const {
  if (catalog_.vmlinux)
    if (const u32 id = catalog_.vmlinux->find(name, kind)) return {catalog_.vmlinux, id};
  for (const auto& m : catalog_.modules)
    if (const u32 id = m->find_own(name, kind)) return {m, id};
  return {};
}

u32 CatalogTypes::destructor(const btf::Btf& btf, u32 id) const {
  const std::string_view name = btf.type(id).name();
  for (const KptrDestructor& d : catalog_.kptr_destructors)
    if (d.type == name) return btf.find(d.kfunc, btf::Kind::kFunc);
  return 0;
}

}  // namespace osmia::contract
