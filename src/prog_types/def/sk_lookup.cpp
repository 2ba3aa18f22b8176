// BPF_PROG_TYPE_SK_LOOKUP: chooses the socket that a new connection or datagram reaches.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 8, .type = {RegBase::kSocket, kMaybeNull}, .name = "sk"},
    {.offset = 8, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "family"},
    {.offset = 12, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "protocol"},
    {.offset = 16, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "remote_ip4"},
    {.offset = 20, .size = 16, .access = kCtxRead | kCtxNarrowRead, .name = "remote_ip6", .elem = 4},
    {.offset = 36, .size = 2, .access = kCtxRead | kCtxNarrowRead | kCtxWord, .name = "remote_port"},
    {.offset = 38, .size = 2, .access = kCtxRead | kCtxNarrowRead, .name = "padding"},
    {.offset = 40, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "local_ip4"},
    {.offset = 44, .size = 16, .access = kCtxRead | kCtxNarrowRead, .name = "local_ip6", .elem = 4},
    {.offset = 60, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "local_port"},
    {.offset = 64, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "ingress_ifindex"},
};
constexpr auto kGrants =
    join(std::array{Grant{"event_output"}, Grant{"sk_lookup"}, Grant{"sk_release"}}, kSockBase);
constexpr u32 kAttach[] = {kSkLookup};
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};
constexpr NamedCode kCodes[] = {{0, "SK_DROP"}, {1, "SK_PASS"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 30,
    .name = "sk_lookup",
    .ctx_name = "bpf_sk_lookup",
    .kern_ctx_name = "bpf_sk_lookup_kern",
    .ctx_size = 72,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
    .codes = kCodes,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sk_lookup() {
  return kEntries;
}

}  // namespace osmia::prog_types
