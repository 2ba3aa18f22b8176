// BPF_MAP_TYPE_STRUCT_OPS as a row; what such a map does is in struct_ops_map.cpp.
#include "maps/struct_ops.h"
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

Status check_struct_ops(const MapAttr& a) {
  if (a.key_size != 4 || a.max_entries != 1 || !only_flags(a, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD) ||
      !a.btf_vmlinux_value_type_id)
    return bad("struct_ops: key_size 4, max_entries 1, a kernel value type");
  return Ok{};
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_STRUCT_OPS,
             .name = "struct_ops",
             .btf_struct = "bpf_struct_ops_map",
             .traits = contract::MapTrait::kMapIsStructOps},
     .check = check_struct_ops,
     .create = create_struct_ops,
     .capability = contract::Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_struct_ops() {
  return kTypes;
}

}  // namespace osmia::maps
