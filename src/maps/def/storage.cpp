// Local storages: values that hang on sockets, inodes, tasks and cgroups (maps/local_storage.h), and the two
// older cgroup storages.
#include "host/run_context.h"
#include "maps/checks.h"
#include "maps/local_storage.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

constexpr u32 kMaxValue = 0xffff - 128;  // BPF_LOCAL_STORAGE_MAX_VALUE_SIZE

Status check_local(const MapAttr& a) {
  if (!only_flags(a, BPF_F_NO_PREALLOC | BPF_F_CLONE) || !(a.map_flags & BPF_F_NO_PREALLOC))
    return bad("local storage: map_flags must be BPF_F_NO_PREALLOC");
  if (a.max_entries || a.key_size != 4 || !a.value_size)
    return bad("local storage: max_entries 0, key_size 4, value_size > 0");
  if (!a.btf_key_type_id || !a.btf_value_type_id) return bad("local storage: needs BTF for key and value");
  if (a.value_size > kMaxValue) return Error{E2BIG, "local storage: value_size above 65407"};
  return Ok{};
}

Status check_cgroup(const MapAttr& a) {
  const u32 max = a.type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? kPercpuMax : kMaxValue;
  if (a.key_size != 16 && a.key_size != 8) return bad("cgroup_storage: key_size 16 or 8");
  if (!a.value_size) return bad("cgroup_storage: value_size is 0");
  if (a.value_size > max) return Error{E2BIG, "cgroup_storage: value_size too large"};
  if (!only_flags(a, BPF_F_NUMA_NODE | kAccessFlags) || !prog_access_ok(a.map_flags))
    return bad("cgroup_storage: unknown map_flags");
  if (a.max_entries) return bad("cgroup_storage: max_entries must be 0");
  return Ok{};
}

int check_int_key(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return is_u32_key(key) ? 0 : EINVAL;
}

bool is_int_member(const btf::Btf& btf, const btf::Member& m, u32 bit_offset, u32 bytes) {
  const auto t = btf.skip_modifiers(m.type);
  return t.is(btf::Kind::kInt) && t.size() == bytes && t.int_info().bits == bytes * 8 &&
         m.bit_offset == bit_offset && !m.bitfield_size;
}
// struct bpf_cgroup_storage_key, or the inode number alone.
int check_cgroup_key(const Map& m, const btf::Btf& btf, btf::TypeView key, btf::TypeView) {
  if (m.key_size() == 8) {
    return key.is(btf::Kind::kInt) && key.int_info().bits == 64 && !key.int_info().offset ? 0 : EINVAL;
  }
  if (!key.is(btf::Kind::kStruct) || key.members().size() != 2) return EINVAL;
  return is_int_member(btf, key.members()[0], 0, 8) && is_int_member(btf, key.members()[1], 64, 4) ? 0
                                                                                                   : EINVAL;
}

// Storages come to be when a program is attached to a control group, which nothing here does: no key is
// there.
class CgroupStorageMap final : public Map {
 public:
  using Map::Map;
  u32 user_value_size() const override {
    const bool percpu = type() == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
    return percpu ? align_up(value_size(), 8) * host::nr_cpus() : value_size();
  }
  int lookup_user(const void*, void*, u64) override { return -ENOENT; }
  int update_user(const void*, const void*, u64 flags, Descriptors&) override {
    const u64 known = type() == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ? BPF_EXIST : BPF_EXIST | BPF_F_LOCK;
    return flags & ~known ? -EINVAL : -ENOENT;
  }
  int erase_user(const void*) override { return -EINVAL; }
  int next_key(const void*, void*) override { return -ENOENT; }
};
Result<MapPtr> create_cgroup(const MapAttr& a) {
  return MapPtr(std::make_shared<CgroupStorageMap>(a));
}

Result<MapPtr> create_local(const MapAttr& a) {
  return MapPtr(std::make_shared<LocalStorageMap>(a));
}

constexpr u32 kFields = btf::kFieldSpinLock | btf::kFieldKptr | btf::kFieldRefcount;
constexpr u64 kTraits = MapTrait::kMapSleepableOk | MapTrait::kMapAllowsFields;
const u32 kSk[] = {BPF_FUNC_sk_storage_get, BPF_FUNC_sk_storage_delete, BPF_FUNC_kptr_xchg};
const u32 kInode[] = {BPF_FUNC_inode_storage_get, BPF_FUNC_inode_storage_delete, BPF_FUNC_kptr_xchg};
const u32 kTask[] = {BPF_FUNC_task_storage_get, BPF_FUNC_task_storage_delete, BPF_FUNC_kptr_xchg};
const u32 kCgrp[] = {BPF_FUNC_cgrp_storage_get, BPF_FUNC_cgrp_storage_delete, BPF_FUNC_kptr_xchg};
const u32 kCgroup[] = {BPF_FUNC_get_local_storage};

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_SK_STORAGE,
             .name = "sk_storage",
             .btf_struct = "bpf_local_storage_map",
             .traits = kTraits,
             .fields = kFields,
             .only_helpers = kSk},
     .check = check_local,
     .create = create_local,
     .check_btf = check_int_key,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_INODE_STORAGE,
             .name = "inode_storage",
             .btf_struct = "bpf_local_storage_map",
             .traits = kTraits,
             .fields = kFields,
             .only_helpers = kInode},
     .check = check_local,
     .create = create_local,
     .check_btf = check_int_key,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_TASK_STORAGE,
             .name = "task_storage",
             .btf_struct = "bpf_local_storage_map",
             .traits = kTraits,
             .fields = kFields,
             .only_helpers = kTask},
     .check = check_local,
     .create = create_local,
     .check_btf = check_int_key,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_CGRP_STORAGE,
             .name = "cgrp_storage",
             .btf_struct = "bpf_local_storage_map",
             .traits = kTraits,
             .fields = kFields,
             .only_helpers = kCgrp},
     .check = check_local,
     .create = create_local,
     .check_btf = check_int_key,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_CGROUP_STORAGE,
             .name = "cgroup_storage",
             .btf_struct = "bpf_cgroup_storage_map",
             .traits = MapTrait::kMapCgroupStorage | MapTrait::kMapAllowsFields,
             .fields = btf::kFieldSpinLock,
             .only_helpers = kCgroup,
             .unprivileged = true},
     .check = check_cgroup,
     .create = create_cgroup,
     .check_btf = check_cgroup_key},
    {.def = {.type = BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
             .name = "percpu_cgroup_storage",
             .btf_struct = "bpf_cgroup_storage_map",
             .traits = MapTrait::kMapCgroupStorage | MapTrait::kMapPercpu,
             .only_helpers = kCgroup,
             .unprivileged = true},
     .check = check_cgroup,
     .create = create_cgroup,
     .check_btf = check_cgroup_key},
};

}  // namespace

std::span<const MapTypeEntry> def_storage() {
  return kTypes;
}

}  // namespace osmia::maps
