// Ciphers: contexts are made by syscall programs and used on packets.
// Facts of Linux 6.12: names, flags, and the program types that each set is registered for.
#include "kfuncs/code.h"
#include "kfuncs/hooks.h"
#include "kfuncs/kfunc.h"

namespace osmia::kfuncs {
using namespace contract;
namespace {
constexpr auto kTypes1 = hook::kSyscall;
constexpr auto kTypes2 = hook::join(hook::kTc, hook::kAct, hook::kXdp);

const KfuncEntry kEntries[] = {
    {{.name = "bpf_crypto_ctx_acquire",
      .flags = kKfAcquire | kKfRcu | kKfRetNull,
      .prog_types = kTypes1,
      .set = "crypt_init_kfunc_btf_ids"},
     code::object_acquire},
    {{.name = "bpf_crypto_ctx_create",
      .flags = kKfAcquire | kKfRetNull | kKfSleepable,
      .prog_types = kTypes1,
      .set = "crypt_init_kfunc_btf_ids"},
     code::crypto_ctx_create},
    {{.name = "bpf_crypto_ctx_release",
      .flags = kKfRelease,
      .prog_types = kTypes1,
      .set = "crypt_init_kfunc_btf_ids"},
     code::object_release},
    {{.name = "bpf_crypto_decrypt", .flags = kKfRcu, .prog_types = kTypes2, .set = "crypt_kfunc_btf_ids"},
     code::crypto_decrypt},
    {{.name = "bpf_crypto_encrypt", .flags = kKfRcu, .prog_types = kTypes2, .set = "crypt_kfunc_btf_ids"},
     code::crypto_encrypt},
};
}  // namespace

std::span<const KfuncEntry> def_crypto() {
  return kEntries;
}

}  // namespace osmia::kfuncs
