// Sockets seen by iterators.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::kTracing;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_sock_destroy",
      .flags = kKfTrustedArgs,
      .prog_types = kTypes,
      .set = "bpf_sk_iter_kfunc_ids",
      .targets = "iter"}},
};
}  // namespace

std::span<const KfuncEntry> def_sk_iter() {
  return kEntries;
}

}  // namespace osmia::kfuncs
