// Which of the well-known modules a Kernel gets, and from where.
#include <unistd.h>

#include <algorithm>

#include "btf/declare.h"
#include "kfuncs/modules.h"
#include "runtime/catalog.h"

namespace osmia::runtime {
namespace {

btf::BtfPtr btf_of(const kfuncs::modules::ModuleDeclarations& m, const btf::BtfPtr& vmlinux, bool machine) {
  const std::string path = "/sys/kernel/btf/" + std::string(m.name);
  if (machine && access(path.c_str(), R_OK) == 0)
    if (auto real = btf::Btf::from_file(path, vmlinux); real.ok()) return *real;
  auto made = btf::declare(vmlinux, m.text);
  return made.ok() ? *made : nullptr;
}

}  // namespace

void add_known_modules(contract::Catalog& catalog, std::vector<std::string>& names, bool machine) {
  const btf::BtfPtr vmlinux = catalog.vmlinux;
  if (!vmlinux) return;
  for (const kfuncs::modules::ModuleDeclarations* m : kfuncs::modules::registry()) {
    if (std::find(names.begin(), names.end(), m->name) != names.end()) continue;
    if (vmlinux->find(m->function, btf::Kind::kFunc)) continue;
    btf::BtfPtr btf = btf_of(*m, vmlinux, machine);
    if (!btf) continue;
    catalog.modules.push_back(std::move(btf));
    names.emplace_back(m->name);
  }
}

}  // namespace osmia::runtime
