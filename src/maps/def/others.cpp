// Types that so far exist for the verifier only: arena, struct_ops.
// They are created with Linux's checks; element operations answer -EOPNOTSUPP.
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

Status check_arena(const MapAttr& a) {
  if (a.key_size || a.value_size || !a.max_entries)
    return bad("arena: key_size 0, value_size 0, max_entries > 0");
  if (!(a.map_flags & BPF_F_MMAPABLE) ||
      !only_flags(a, BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV))
    return bad("arena: map_flags must have BPF_F_MMAPABLE");
  if (a.map_extra & 4095) return bad("arena: map_extra must be page-aligned");
  const u64 range = u64{a.max_entries} * 4096;
  if (range > 1ull << 32) return Error{E2BIG, "arena: larger than 4 GiB"};
  if (a.map_extra >> 32 != (a.map_extra + range - 1) >> 32)
    return Error{ERANGE, "arena: crosses a 4 GiB boundary"};
  return Ok{};
}
class ArenaMap final : public Map {
 public:
  explicit ArenaMap(const MapAttr& a) : Map(a) {
    info_.user_vm_start = a.map_extra;
    // Its direct address is that of the whole area; off must be inside it.
    info_.value_base = a.map_extra ? a.map_extra : 0;
    info_.value_len = u64{a.max_entries} * 4096;
    info_.type_specific_direct_error = 0;
    info_.direct_value_range_error = ERANGE;
  }
  int lookup_user(const void*, void*, u64) override { return -EINVAL; }
  s64 update(const void*, const void*, u64) override { return -EOPNOTSUPP; }
  bool may_be_inner() const override { return true; }
};
Result<MapPtr> create_arena(const MapAttr& a) {
  return MapPtr(std::make_shared<ArenaMap>(a));
}
int accept_btf(const Map&, const btf::Btf&, btf::TypeView, btf::TypeView) {
  return 0;
}

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
    {.def = {.type = BPF_MAP_TYPE_ARENA,
             .name = "arena",
             .btf_struct = "bpf_arena",
             .traits = MapTrait::kMapIsArena | MapTrait::kMapDirectValue | MapTrait::kMapSleepableOk},
     .check = check_arena,
     .create = create_arena,
     .check_btf = accept_btf,
     .capability = Capability::kBpf},
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
