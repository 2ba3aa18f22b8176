// Reading a packet and its metadata from a socket buffer.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 26, .name = "bpf_skb_load_bytes", .args = {ctx, any, mem_out, size}, .tag = "skb_load"},
     code::skb_load_bytes},
    {{.id = 68,
      .name = "bpf_skb_load_bytes_relative",
      .args = {ctx, any, mem_out, size, any},
      .tag = "skb_load_relative"},
     code::skb_load_bytes_relative},
    {{.id = 26, .name = "bpf_skb_load_bytes", .args = {ctx, any, mem_out, size}, .tag = "flow_dissector"},
     code::flow_load_bytes},
    {{.id = 26, .name = "bpf_skb_load_bytes", .args = {ctx, any, mem_out, size}, .tag = "sk_reuseport"},
     code::reuseport_load_bytes},
    {{.id = 68,
      .name = "bpf_skb_load_bytes_relative",
      .args = {ctx, any, mem_out, size, any},
      .tag = "sk_reuseport"},
     code::reuseport_load_bytes_relative},
    {{.id = 79, .name = "bpf_skb_cgroup_id", .args = {ctx}, .tag = "skb_cgroup_ids"}, code::skb_cgroup_id},
    {{.id = 83, .name = "bpf_skb_ancestor_cgroup_id", .args = {ctx, any}, .tag = "skb_cgroup_ids"},
     code::skb_ancestor_cgroup_id},
    {{.id = 128, .name = "bpf_sk_cgroup_id", .args = {any_sock}, .tag = "sk_cgroup_ids"}, code::sk_cgroup_id},
    {{.id = 129, .name = "bpf_sk_ancestor_cgroup_id", .args = {any_sock, any}, .tag = "sk_cgroup_ids"},
     code::sk_ancestor_cgroup_id},
    {{.id = 17, .name = "bpf_get_cgroup_classid", .args = {ctx}, .tag = "skb_route"}, code::no_traffic_class},
    {{.id = 24, .name = "bpf_get_route_realm", .args = {ctx}, .effects = kNeedsDst, .tag = "skb_route"},
     code::no_traffic_class},
    {{.id = 34, .name = "bpf_get_hash_recalc", .args = {ctx}, .tag = "skb_route"}, code::skb_get_hash_recalc},
    {{.id = 33,
      .name = "bpf_skb_under_cgroup",
      .args = {ctx, map, any},
      .tag = "skb_route",
      .map_types = map_types(MapType::kCgroupArray)},
     code::skb_under_cgroup},
    {{.id = 151, .name = "bpf_skb_cgroup_classid", .args = {ctx}, .tag = "tc"}, code::no_traffic_class},
    {{.id = 66, .name = "bpf_skb_get_xfrm_state", .args = {ctx, any, mem_out, size, any}, .tag = "tc"},
     code::skb_get_xfrm_state},
};
}  // namespace

std::span<const HelperEntry> def_skb_read() {
  return kEntries;
}

}  // namespace osmia::helpers
