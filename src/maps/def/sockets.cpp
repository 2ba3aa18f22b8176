// Maps of sockets and of ways out of the machine: sockmap, sockhash, reuseport_sockarray, devmap,
// devmap_hash, cpumap, xskmap. They exist so that programs can be verified against them; element operations
// answer -EOPNOTSUPP.
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

constexpr u32 kPlainFlags = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY;

Status check_sockmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("sockmap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  return Ok{};
}
Status check_sockhash(const MapAttr& a) {
  if (!a.max_entries || !a.key_size || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("sockhash: max_entries > 0, key_size > 0, value_size 4 or 8, no flags");
  if (a.key_size > 512) return Error{E2BIG, "sockhash: key_size above 512"};
  if (a.max_entries > 0xffffffffu / 16) return bad("sockhash: max_entries too large");
  return Ok{};
}
Status check_reuseport(const MapAttr& a) {
  if (a.value_size != 4 && a.value_size != 8) return bad("reuseport_sockarray: value_size 4 or 8");
  return check_array(a);
}
Status check_devmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("devmap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  if (a.type == BPF_MAP_TYPE_DEVMAP_HASH && a.max_entries > 1u << 31)
    return bad("devmap_hash: max_entries above 2^31");
  return Ok{};
}
// The value is a device's own index: read-only for programs, whatever the flags said.
Result<MapPtr> create_devmap(const MapAttr& given) {
  MapAttr a = given;
  a.map_flags |= BPF_F_RDONLY_PROG;
  return create_inert(a);
}
Status check_cpumap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, BPF_F_NUMA_NODE))
    return bad("cpumap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  if (a.max_entries > 8192) return Error{E2BIG, "cpumap: max_entries above 8192"};
  return Ok{};
}
Status check_xskmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || a.value_size != 4 || !only_flags(a, kPlainFlags))
    return bad("xskmap: max_entries > 0, key_size 4, value_size 4, no flags");
  return Ok{};
}

const u32 kSockmapHelpers[] = {BPF_FUNC_sk_redirect_map, BPF_FUNC_sock_map_update, BPF_FUNC_msg_redirect_map,
                               BPF_FUNC_sk_select_reuseport, BPF_FUNC_map_lookup_elem};
const u32 kSockhashHelpers[] = {BPF_FUNC_sk_redirect_hash, BPF_FUNC_sock_hash_update,
                                BPF_FUNC_msg_redirect_hash, BPF_FUNC_sk_select_reuseport,
                                BPF_FUNC_map_lookup_elem};
const u32 kReuseportHelpers[] = {BPF_FUNC_sk_select_reuseport};
const u32 kDevmapHelpers[] = {BPF_FUNC_redirect_map, BPF_FUNC_map_lookup_elem};
const u32 kCpumapHelpers[] = {BPF_FUNC_redirect_map};

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_SOCKMAP,
             .name = "sockmap",
             .btf_struct = "bpf_stab",
             .traits = MapTrait::kMapValueIsSock,
             .only_helpers = kSockmapHelpers},
     .check = check_sockmap,
     .create = create_inert,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_SOCKHASH,
             .name = "sockhash",
             .btf_struct = "bpf_shtab",
             .traits = MapTrait::kMapValueIsSock,
             .only_helpers = kSockhashHelpers},
     .check = check_sockhash,
     .create = create_inert,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
             .name = "reuseport_sockarray",
             .btf_struct = "reuseport_array",
             .only_helpers = kReuseportHelpers},
     .check = check_reuseport,
     .create = create_inert,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_DEVMAP,
             .name = "devmap",
             .btf_struct = "bpf_dtab",
             .traits = MapTrait::kMapReadOnlyValue,
             .only_helpers = kDevmapHelpers},
     .check = check_devmap,
     .create = create_devmap,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_DEVMAP_HASH,
             .name = "devmap_hash",
             .btf_struct = "bpf_dtab",
             .traits = MapTrait::kMapReadOnlyValue,
             .only_helpers = kDevmapHelpers},
     .check = check_devmap,
     .create = create_devmap,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_CPUMAP,
             .name = "cpumap",
             .btf_struct = "bpf_cpu_map",
             .only_helpers = kCpumapHelpers},
     .check = check_cpumap,
     .create = create_inert,
     .check_btf = refuse_btf,
     .capability = Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_XSKMAP,
             .name = "xskmap",
             .btf_struct = "xsk_map",
             .traits = MapTrait::kMapValueIsXdpSock,
             .only_helpers = kDevmapHelpers},
     .check = check_xskmap,
     .create = create_inert,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
};

}  // namespace

std::span<const MapTypeEntry> def_sockets() {
  return kTypes;
}

}  // namespace osmia::maps
