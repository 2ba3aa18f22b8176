// Perf events: counters, branch records, and one record writer for each kind of context.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 22,
      .name = "bpf_perf_event_read",
      .args = {map, any},
      .gpl_only = true,
      .tag = "tracing",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 55,
      .name = "bpf_perf_event_read_value",
      .args = {map, any, mem_out, size},
      .gpl_only = true,
      .tag = "tracing",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 176,
      .name = "bpf_get_branch_snapshot",
      .args = {mem_out, size0},
      .gpl_only = true,
      .tag = "tracing"}},
    {{.id = 56,
      .name = "bpf_perf_prog_read_value",
      .args = {ctx, mem_out, size},
      .gpl_only = true,
      .tag = "perf_event"}},
    {{.id = 119,
      .name = "bpf_read_branch_records",
      .args = {ctx, mem_or_null, size0, any},
      .gpl_only = true,
      .tag = "perf_event"}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "event_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "skb_event_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "xdp_event_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "kprobe",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "tp_event_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 25,
      .name = "bpf_perf_event_output",
      .args = {ctx, map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "raw_tp",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 111,
      .name = "bpf_skb_output",
      .args = {btf("sk_buff"), map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "btf_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
    {{.id = 121,
      .name = "bpf_xdp_output",
      .args = {btf("xdp_buff"), map, any, mem_in, size0},
      .gpl_only = true,
      .tag = "btf_output",
      .map_types = map_types(MapType::kPerfEventArray)}},
};
}  // namespace

std::span<const HelperEntry> def_perf() {
  return kEntries;
}

}  // namespace osmia::helpers
