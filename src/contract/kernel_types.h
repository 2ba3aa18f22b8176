// What a Catalog knows of kernel types, as parsing the special fields of a value asks for it.
#pragma once
#include "btf/btf.h"
#include "btf/special_fields.h"
#include "contract/catalog.h"

namespace osmia::contract {

class CatalogTypes final : public btf::KernelTypes {
 public:
  explicit CatalogTypes(const Catalog& c) : catalog_(c) {}  // the Catalog must outlive this
  Found find(std::string_view name, btf::Kind kind) const override;
  u32 destructor(const btf::Btf& btf, u32 id) const override;

 private:
  const Catalog& catalog_;
};

}  // namespace osmia::contract
