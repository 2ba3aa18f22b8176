// BPF_PROG_TYPE_STRUCT_OPS: members of a kernel struct of functions. What may be called depends on the
// struct.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr auto kGrants = join(
    std::array{
        Grant{.tag = "tcp_ca", .targets = "tcp_ca"},
        Grant{.tag = "sk_storage", .targets = "tcp_ca"},
        Grant{.tag = "coarse_time", .targets = "tcp_ca"},
        Grant{.tag = "sk_sockopt", .targets = "tcp_ca_sockopt"},
        Grant{.tag = "task_storage", .targets = "sched_ext"},
    },
    std::array{
        Grant{.tag = "core", .targets = "struct_ops_helpers"},
        Grant{.tag = "base", .targets = "struct_ops_helpers"},
        Grant{.tag = "base_bpf", .capability = Capability::kBpf, .targets = "struct_ops_helpers"},
        Grant{.tag = "trace_printk", .capability = Capability::kPerfmon, .targets = "struct_ops_helpers"},
        Grant{.tag = "base_perfmon", .capability = Capability::kPerfmon, .targets = "struct_ops_helpers"},
    });

const ProgTypeEntry kEntries[] = {{{
    .type = 27,
    .name = "struct_ops",
    .ctx_model = CtxModel::kStructOps,
    .ctx_size = 96,
    .traits = kNeedsPerfmon | kNeedsAttachBtf | kMayBeSleepable | kVoidReturnOk | kGplOnlyProg,
    .grants = kGrants,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_struct_ops() {
  return kEntries;
}

}  // namespace osmia::prog_types
