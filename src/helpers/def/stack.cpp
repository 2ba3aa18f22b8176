// Call stacks, for each kind of context.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 27,
      .name = "bpf_get_stackid",
      .args = {ctx, map, any},
      .effects = kStackIdMap,
      .gpl_only = true,
      .tag = "kprobe",
      .map_types = map_types(MapType::kStackTrace)},
     code::get_stackid},
    {{.id = 67,
      .name = "bpf_get_stack",
      .args = {ctx, mem_out, size0, any},
      .effects = kRetBoundedByArgSize,
      .gpl_only = true,
      .tag = "kprobe"},
     code::get_stack},
    {{.id = 67,
      .name = "bpf_get_stack",
      .args = {ctx, mem_out, size0, any},
      .effects = kRetBoundedByArgSize | kMightSleep,
      .gpl_only = true,
      .tag = "kprobe_sleepable"},
     code::get_stack},
    {{.id = 27,
      .name = "bpf_get_stackid",
      .args = {ctx, map, any},
      .effects = kStackIdMap,
      .gpl_only = true,
      .tag = "tp_stack",
      .map_types = map_types(MapType::kStackTrace)},
     code::get_stackid},
    {{.id = 67,
      .name = "bpf_get_stack",
      .args = {ctx, mem_out, size0, any},
      .effects = kRetBoundedByArgSize,
      .gpl_only = true,
      .tag = "tp_stack"},
     code::get_stack},
    {{.id = 27,
      .name = "bpf_get_stackid",
      .args = {ctx, map, any},
      .effects = kStackIdMap,
      .tag = "perf_event",
      .map_types = map_types(MapType::kStackTrace)},
     code::get_stackid},
    {{.id = 67,
      .name = "bpf_get_stack",
      .args = {ctx, mem_out, size0, any},
      .effects = kRetBoundedByArgSize,
      .gpl_only = true,
      .tag = "perf_event"},
     code::get_stack},
    {{.id = 27,
      .name = "bpf_get_stackid",
      .args = {ctx, map, any},
      .effects = kStackIdMap,
      .gpl_only = true,
      .tag = "raw_tp",
      .map_types = map_types(MapType::kStackTrace)},
     code::get_stackid},
    {{.id = 67,
      .name = "bpf_get_stack",
      .args = {ctx, mem_in, size0, any},
      .effects = kRetBoundedByArgSize,
      .gpl_only = true,
      .tag = "raw_tp"},
     code::get_stack},
    {{.id = 141,
      .name = "bpf_get_task_stack",
      .args = {btf("task_struct"), mem_out, size0, any},
      .effects = kRetBoundedByArgSize,
      .tag = "tracing"},
     code::get_task_stack},
    {{.id = 141,
      .name = "bpf_get_task_stack",
      .args = {btf("task_struct"), mem_out, size0, any},
      .effects = kRetBoundedByArgSize | kMightSleep,
      .tag = "tracing_sleepable"},
     code::get_task_stack},
};
}  // namespace

std::span<const HelperEntry> def_stack() {
  return kEntries;
}

}  // namespace osmia::helpers
