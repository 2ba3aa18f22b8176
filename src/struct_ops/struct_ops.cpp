// From rows to the types of one kernel.
#include "struct_ops/struct_ops.h"

#include <cctype>
#include <cstring>

namespace osmia::struct_ops {

std::shared_ptr<maps::StructOpsTypes> types_of(const contract::Catalog& catalog) {
  auto out = std::make_shared<maps::StructOpsTypes>();
  const auto add = [&](const contract::StructOpsDef& def, const btf::BtfPtr& btf) {
    if (!btf || !contract::struct_ops_lives_in(def, catalog, *btf)) return;
    const auto layout = contract::struct_ops_layout(def, *btf);
    if (!layout.ok()) return;
    StructOpsCode code;
    for (const StructOpsEntry* e : registry())
      if (&e->def == &def) code = e->code;
    out->all.push_back(std::make_shared<maps::StructOpsType>(code, *layout, btf));
  };
  for (const contract::StructOpsDef* def : catalog.struct_ops) {
    add(*def, catalog.vmlinux);
    for (const auto& module : catalog.modules) add(*def, module);
  }
  return out;
}

int copy_member(const u8* from, u8* to, u32 size) {
  std::memcpy(to, from, size);
  return 1;
}

int copy_name(const u8* from, u8* to, u32 size) {
  const char* const name = reinterpret_cast<const char*>(from);
  const size_t n = strnlen(name, size);
  if (!n || n == size) return -EINVAL;
  for (size_t i = 0; i < n; i++)
    if (!std::isalnum(static_cast<unsigned char>(name[i])) && name[i] != '_' && name[i] != '.')
      return -EINVAL;
  std::memset(to, 0, size);
  std::memcpy(to, from, n);
  return 1;
}

}  // namespace osmia::struct_ops
