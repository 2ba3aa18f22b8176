// Pages of arenas.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/code.h"
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::kCommon;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_arena_alloc_pages",
      .flags = kKfTrustedArgs | kKfSleepable,
      .prog_types = kTypes,
      .set = "arena_kfuncs"},
     code::arena_alloc_pages},
    {{.name = "bpf_arena_free_pages",
      .flags = kKfTrustedArgs | kKfSleepable,
      .prog_types = kTypes,
      .set = "arena_kfuncs"},
     code::arena_free_pages},
};
}  // namespace

std::span<const KfuncEntry> def_arena() {
  return kEntries;
}

}  // namespace osmia::kfuncs
