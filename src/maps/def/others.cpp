// Types that so far exist for the verifier only: struct_ops. They are created with Linux's checks; element
// operations answer -EOPNOTSUPP.
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

Status check_struct_ops(const MapAttr& a) {
  if (a.key_size != 4 || a.max_entries != 1 || !only_flags(a, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD) ||
      !a.btf_vmlinux_value_type_id)
    return bad("struct_ops: key_size 4, max_entries 1, a kernel value type");
  return Ok{};
}
class StructOpsMap final : public Map {
 public:
  using Map::Map;
  int lookup_user(const void*, void*, u64) override { return -EOPNOTSUPP; }
  bool may_be_inner() const override { return false; }
};
Result<MapPtr> create_struct_ops(const MapAttr& a) {
  return MapPtr(std::make_shared<StructOpsMap>(a));
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_STRUCT_OPS,
             .name = "struct_ops",
             .btf_struct = "bpf_struct_ops_map",
             .traits = MapTrait::kMapIsStructOps},
     .check = check_struct_ops,
     .create = create_struct_ops,
     .capability = Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_others() {
  return kTypes;
}

}  // namespace osmia::maps
