// Types that so far exist for the verifier only: stack_trace, bloom_filter, user_ringbuf, struct_ops.
// They are created with Linux's checks; element operations answer -EOPNOTSUPP.
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

constexpr u32 kMaxStack = 127;  // sysctl kernel.perf_event_max_stack

Status check_stack_trace(const MapAttr& a) {
  if (!only_flags(a, BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID))
    return bad("stack_trace: unknown map_flags");
  if (!a.max_entries || a.key_size != 4 || a.value_size < 8 || a.value_size % 8)
    return bad("stack_trace: max_entries > 0, key_size 4, value_size a multiple of 8");
  const u32 entry = a.map_flags & BPF_F_STACK_BUILD_ID ? sizeof(struct bpf_stack_build_id) : 8;
  if (a.value_size % entry || a.value_size / entry > kMaxStack)
    return bad("stack_trace: more than 127 frames");
  if (a.max_entries > 1u << 31) return Error{E2BIG, "stack_trace: max_entries above 2^31"};
  return Ok{};
}
Status check_bloom(const MapAttr& a) {
  if (a.value_size > kKmallocMax) return Error{E2BIG, "bloom_filter: value_size above 4 MiB"};
  if (a.key_size || !a.value_size || !a.max_entries) return bad("bloom_filter has values and no keys");
  if (!only_flags(a, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | kAccessFlags) || !prog_access_ok(a.map_flags))
    return bad("bloom_filter: unknown map_flags");
  if (a.map_extra & ~0xfull)
    return bad("bloom_filter: map_extra is the number of hash functions, at most 15");
  return Ok{};
}
int check_bloom_btf(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return key.is(btf::Kind::kVoid) ? 0 : EINVAL;
}
Status check_user_ringbuf(const MapAttr& a) {
  if (!only_flags(a, BPF_F_NUMA_NODE)) return bad("user_ringbuf: unknown map_flags");
  if (a.key_size || a.value_size || !a.max_entries || a.max_entries & (a.max_entries - 1) ||
      a.max_entries % 4096)
    return bad("user_ringbuf: max_entries must be a power of two and a multiple of the page size");
  return Ok{};
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

const u32 kStackTrace[] = {BPF_FUNC_get_stackid};
const u32 kBloom[] = {BPF_FUNC_map_peek_elem, BPF_FUNC_map_push_elem};
const u32 kUserRingbuf[] = {BPF_FUNC_user_ringbuf_drain};

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_STACK_TRACE,
             .name = "stack_trace",
             .btf_struct = "bpf_stack_map",
             .only_helpers = kStackTrace},
     .check = check_stack_trace,
     .create = create_inert,
     .check_btf = refuse_btf,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_BLOOM_FILTER,
             .name = "bloom_filter",
             .btf_struct = "bpf_bloom_filter",
             .traits = MapTrait::kMapKeyless,
             .only_helpers = kBloom},
     .check = check_bloom,
     .create = create_inert,
     .check_btf = check_bloom_btf,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_USER_RINGBUF,
             .name = "user_ringbuf",
             .btf_struct = "bpf_ringbuf_map",
             .traits = MapTrait::kMapKeyless | MapTrait::kMapSleepableOk,
             .only_helpers = kUserRingbuf,
             .unprivileged = true},
     .check = check_user_ringbuf,
     .create = create_inert},
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
