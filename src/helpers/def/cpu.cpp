// Where the program runs: processor and NUMA node, clocks that only some program types have.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 8, .name = "bpf_get_smp_processor_id", .effects = kRetIsCpuId, .tag = "base"},
     code::get_smp_processor_id},
    {{.id = 42, .name = "bpf_get_numa_node_id", .tag = "base"}, code::get_numa_node_id},
    {{.id = 208, .name = "bpf_ktime_get_tai_ns", .tag = "base"}, code::ktime_get_tai_ns},
    {{.id = 8, .name = "bpf_get_smp_processor_id", .effects = kRetIsCpuId | kFastcall, .tag = "smp_id"},
     code::get_smp_processor_id},
    {{.id = 160, .name = "bpf_ktime_get_coarse_ns", .tag = "coarse_time"}, code::ktime_get_coarse_ns},
    {{.id = 118, .name = "bpf_jiffies64", .tag = "base_bpf"}, code::jiffies64},
    {{.id = 153,
      .name = "bpf_per_cpu_ptr",
      .args = {percpu, any},
      .ret = {RetKind::kMemOrBtfId, kMaybeNull | kRdOnly},
      .effects = kPerCpuPtr,
      .tag = "base_bpf"}},
    {{.id = 154,
      .name = "bpf_this_cpu_ptr",
      .args = {percpu},
      .ret = {RetKind::kMemOrBtfId, kRdOnly},
      .effects = kPerCpuPtr,
      .tag = "base_bpf"}},
};
}  // namespace

std::span<const HelperEntry> def_cpu() {
  return kEntries;
}

}  // namespace osmia::helpers
