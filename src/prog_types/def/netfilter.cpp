// BPF_PROG_TYPE_NETFILTER: a hook of the packet filter.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0,
     .size = 8,
     .type = {RegBase::kBtfId, kTrusted},
     .name = "state",
     .btf_type = "nf_hook_state"},
    {.offset = 8, .size = 8, .type = {RegBase::kBtfId, kTrusted}, .name = "skb", .btf_type = "sk_buff"},
};
constexpr auto kGrants = kBase;
constexpr u32 kAttach[] = {kNetfilter};
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};
constexpr NamedCode kCodes[] = {{0, "NF_DROP"}, {1, "NF_ACCEPT"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 32,
    .name = "netfilter",
    .ctx_name = "bpf_nf_ctx",
    .kern_ctx_name = "bpf_nf_ctx",
    .ctx_size = 16,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
    .codes = kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_netfilter() {
  return kEntries;
}

}  // namespace osmia::prog_types
