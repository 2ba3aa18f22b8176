// Spin locks, timers and pointer exchange: the helpers on special fields of map values.
// Facts of Linux 6.12's helpers as data; a row is one prototype for the program types that are granted its
// tag.
#include "helpers/code.h"
#include "helpers/helper.h"
#include "helpers/vocabulary.h"

namespace osmia::helpers {
using namespace vocabulary;
namespace {
const HelperEntry kEntries[] = {
    {{.id = 93,
      .name = "bpf_spin_lock",
      .args = {spin_lock},
      .ret = {RetKind::kVoid},
      .effects = kSpinLock,
      .tag = "base_bpf"},
     code::spin_lock},
    {{.id = 94,
      .name = "bpf_spin_unlock",
      .args = {spin_lock},
      .ret = {RetKind::kVoid},
      .effects = kSpinUnlock,
      .tag = "base_bpf"},
     code::spin_unlock},
    {{.id = 169,
      .name = "bpf_timer_init",
      .args = {timer, map, any},
      .effects = kTimerSetsMap,
      .gpl_only = true,
      .tag = "base_bpf"},
     code::timer_init},
    {{.id = 170,
      .name = "bpf_timer_set_callback",
      .args = {timer, callback},
      .effects = kAsyncCallback,
      .callback = CallbackShape::kTimer,
      .gpl_only = true,
      .tag = "base_bpf"},
     code::timer_set_callback},
    {{.id = 171, .name = "bpf_timer_start", .args = {timer, any, any}, .gpl_only = true, .tag = "base_bpf"},
     code::timer_start},
    {{.id = 172, .name = "bpf_timer_cancel", .args = {timer}, .gpl_only = true, .tag = "base_bpf"},
     code::timer_cancel},
    {{.id = 194,
      .name = "bpf_kptr_xchg",
      .args = {kptr_dest, btf("", kMaybeNull | kObjRelease)},
      .ret = {.kind = RetKind::kBtfId, .flags = kMaybeNull, .btf_type = ""},
      .effects = kAcquiresRef | kKptrXchg | kReleasesRef,
      .tag = "base_bpf"},
     code::kptr_xchg},
};
}  // namespace

std::span<const HelperEntry> def_sync() {
  return kEntries;
}

}  // namespace osmia::helpers
