// Helpers that call the program back: loops over numbers, map elements, memory areas.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 164,
      .name = "bpf_for_each_map_elem",
      .args = {map, callback, stack_mem_or_null, any},
      .effects = kSyncCallback,
      .callback = CallbackShape::kForEachMapElem,
      .tag = "base_bpf"},
     code::for_each_map_elem},
    {{.id = 181,
      .name = "bpf_loop",
      .args = {scalar, callback, stack_mem_or_null, any},
      .effects = kSyncCallback,
      .callback = CallbackShape::kLoop,
      .tag = "base_bpf"},
     code::loop},
    {{.id = 180,
      .name = "bpf_find_vma",
      .args = {btf("task_struct"), any, callback, stack_mem_or_null, any},
      .effects = kSyncCallback,
      .callback = CallbackShape::kFindVma,
      .tag = "tracing"},
     code::find_vma},
};
}  // namespace

std::span<const HelperEntry> def_iterate() {
  return kEntries;
}

}  // namespace osmia::helpers
