// Helpers on a packet in a driver: moving its ends, redirection, routes.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 44,
      .name = "bpf_xdp_adjust_head",
      .args = {ctx, any},
      .effects = kChangesPacketData,
      .tag = "xdp"},
     code::xdp_adjust_head},
    {{.id = 65,
      .name = "bpf_xdp_adjust_tail",
      .args = {ctx, any},
      .effects = kChangesPacketData,
      .tag = "xdp"},
     code::xdp_adjust_tail},
    {{.id = 54,
      .name = "bpf_xdp_adjust_meta",
      .args = {ctx, any},
      .effects = kChangesPacketData,
      .tag = "xdp"},
     code::xdp_adjust_meta},
    {{.id = 188, .name = "bpf_xdp_get_buff_len", .args = {ctx}, .tag = "xdp"}, code::xdp_get_buff_len},
    {{.id = 189, .name = "bpf_xdp_load_bytes", .args = {ctx, any, mem_out, size}, .tag = "xdp"},
     code::xdp_load_bytes},
    {{.id = 190, .name = "bpf_xdp_store_bytes", .args = {ctx, any, mem_in, size}, .tag = "xdp"},
     code::xdp_store_bytes},
    {{.id = 23, .name = "bpf_redirect", .args = {any, any}, .tag = "xdp"}, code::xdp_redirect},
    {{.id = 51,
      .name = "bpf_redirect_map",
      .args = {map, any, any},
      .tag = "xdp",
      .map_types = map_types(MapType::kDevmap, MapType::kDevmapHash, MapType::kCpumap, MapType::kXskmap)},
     code::xdp_redirect_map},
    {{.id = 69, .name = "bpf_fib_lookup", .args = {ctx, mem, size, any}, .gpl_only = true, .tag = "xdp"},
     code::xdp_fib_lookup},
    {{.id = 163,
      .name = "bpf_check_mtu",
      .args = {ctx, any, fixed_mem(4, kWrite | kAligned), any, any},
      .gpl_only = true,
      .tag = "xdp"},
     code::xdp_check_mtu},
    {{.id = 188, .name = "bpf_xdp_get_buff_len", .args = {btf("xdp_buff")}, .tag = "xdp_btf"}},
};
}  // namespace

std::span<const HelperEntry> def_xdp() {
  return kEntries;
}

}  // namespace osmia::helpers
