// The types of objects that a program allocates, made when its calls are rewritten.
#pragma once
#include <memory>

#include "contract/catalog.h"
#include "maps/object.h"

namespace osmia::runtime {

// One that lives as long as somebody holds it; objects of it hold it themselves.
using ObjectTypePtr = std::shared_ptr<const maps::ObjectType>;
// Null: no such struct, or its special fields are unsound (BTF_LOAD refuses such BTF).
ObjectTypePtr object_type(const btf::Btf& btf, u32 struct_id, bool percpu, const contract::Catalog& catalog);

}  // namespace osmia::runtime
