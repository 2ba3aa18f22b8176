// Entry and return of one probe: shared memory, and which of the two this is.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::kKprobe;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_session_cookie",
      .flags = 0,
      .prog_types = kTypes,
      .set = "kprobe_multi_kfunc_set_ids",
      .targets = "kprobe_session",
      .role = KfuncRole::kSessionCookie}},
    {{.name = "bpf_session_is_return",
      .flags = 0,
      .prog_types = kTypes,
      .set = "kprobe_multi_kfunc_set_ids",
      .targets = "kprobe_session"}},
};
}  // namespace

std::span<const KfuncEntry> def_kprobe_session() {
  return kEntries;
}

}  // namespace osmia::kfuncs
