// Collects the registries into a Catalog.
#include "runtime/catalog.h"

#include <algorithm>
#include <utility>

#include "btf/btf.h"
#include "helpers/helper.h"
#include "host/run_context.h"
#include "kfuncs/kfunc.h"
#include "prog_types/object_layouts.h"
#include "prog_types/prog_type.h"
#include "struct_ops/struct_ops.h"
#if __has_include("maps/map_type.h")
#include "maps/map_type.h"
#define OSMIA_HAVE_MAPS 1
#endif

namespace osmia::runtime {

std::shared_ptr<contract::Catalog> build_catalog(std::shared_ptr<const btf::Btf> vmlinux) {
  auto catalog = std::make_shared<contract::Catalog>();
  for (const auto* e : helpers::registry()) catalog->helpers.push_back(&e->def);
  for (const auto* e : prog_types::registry()) catalog->prog_types.push_back(&e->def);
  for (const auto* e : kfuncs::registry()) catalog->kfuncs.push_back(&e->def);
#ifdef OSMIA_HAVE_MAPS
  for (const auto* e : maps::registry()) catalog->maps.push_back(&e->def);
#endif
  for (const auto* e : struct_ops::registry()) catalog->struct_ops.push_back(&e->def);
  catalog->kptr_destructors = kfuncs::kptr_destructors();
  catalog->objects = prog_types::object_layouts();
  catalog->vmlinux = std::move(vmlinux);
  catalog->nr_cpus = host::nr_cpus();
  catalog->index();
  return catalog;
}

std::shared_ptr<contract::Catalog> build_catalog() {
  return build_catalog(nullptr);
}

Result<std::vector<std::string>> add_module_btfs(contract::Catalog& catalog, std::string_view paths) {
  std::vector<std::string> names;
  while (!paths.empty()) {
    const std::string path(paths.substr(0, paths.find(':')));
    paths.remove_prefix(std::min(paths.size(), path.size() + 1));
    OSMIA_ASSIGN(btf::BtfPtr module, btf::Btf::from_file(path, catalog.vmlinux));
    catalog.modules.push_back(std::move(module));
    const std::string file = path.substr(path.rfind('/') + 1);
    names.push_back(file.substr(0, file.find_first_of("-.")));
  }
  return names;
}

}  // namespace osmia::runtime
