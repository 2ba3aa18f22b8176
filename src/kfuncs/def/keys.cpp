// Keys and signatures.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes = hook::kTracing;

const KfuncEntry kEntries[] = {
    {{.name = "bpf_key_put", .flags = kKfRelease, .prog_types = kTypes, .set = "key_sig_kfunc_set"}},
    {{.name = "bpf_lookup_system_key",
      .flags = kKfAcquire | kKfRetNull,
      .prog_types = kTypes,
      .set = "key_sig_kfunc_set"}},
    {{.name = "bpf_lookup_user_key",
      .flags = kKfAcquire | kKfRetNull | kKfSleepable,
      .prog_types = kTypes,
      .set = "key_sig_kfunc_set"}},
    {{.name = "bpf_verify_pkcs7_signature",
      .flags = kKfSleepable,
      .prog_types = kTypes,
      .set = "key_sig_kfunc_set"}},
};
}  // namespace

std::span<const KfuncEntry> def_keys() {
  return kEntries;
}

}  // namespace osmia::kfuncs
