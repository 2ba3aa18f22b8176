// From BTF to maps::ObjectType. The record is the one that the verifier used: that of the struct's entry
// among the BTF's structs with special fields.
#include "runtime/object_types.h"

#include "contract/kernel_types.h"

namespace osmia::runtime {

ObjectTypePtr object_type(const btf::Btf& btf, u32 struct_id, bool percpu, const contract::Catalog& catalog) {
  const btf::TypeView t = btf.type(struct_id);
  const contract::CatalogTypes kernel(catalog);
  auto metas = btf::parse_struct_metas(btf, &kernel);
  if (!metas.ok() || !t.is(btf::Kind::kStruct)) return nullptr;
  const btf::StructMeta* meta = btf::find_struct_meta(*metas, struct_id);
  const auto let_go = [](const maps::ObjectType* type) { type->let_go(); };
  return {maps::ObjectType::make(t.size(), meta ? meta->record : btf::FieldRecord{}, percpu), let_go};
}

}  // namespace osmia::runtime
