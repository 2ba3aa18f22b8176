// BPF_PROG_TYPE_CGROUP_SOCKOPT: a task of a control group gets or sets a socket option. The option's value is
// seen like a packet.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 8, .type = {RegBase::kSocket}, .name = "sk"},
    {.offset = 8, .size = 8, .type = {RegBase::kPacket}, .name = "optval"},
    {.offset = 16, .size = 8, .type = {RegBase::kPacketEnd}, .name = "optval_end"},
    {.offset = 24,
     .size = 4,
     .access = kCtxRead | kCtxWrite,
     .name = "level",
     .write_attach_types = at(kCgroupSetsockopt)},
    {.offset = 28,
     .size = 4,
     .access = kCtxRead | kCtxWrite,
     .name = "optname",
     .write_attach_types = at(kCgroupSetsockopt)},
    {.offset = 32, .size = 4, .access = kCtxRead | kCtxWrite, .name = "optlen"},
    {.offset = 36,
     .size = 4,
     .access = kCtxRead | kCtxWrite,
     .name = "retval",
     .attach_types = at(kCgroupGetsockopt)},
};
constexpr auto kGrants = join(kCgroupCommon, kCgroupCurrent,
                              std::array{Grant{"sockopt"}, Grant{"sk_storage"},
                                         Grant{"sk_sockopt", Capability::kNone, at(kCgroupSetsockopt)},
                                         Grant{"tcp_sock"}, Grant{"event_output"}},
                              kBase);
constexpr u32 kAttach[] = {kCgroupGetsockopt, kCgroupSetsockopt};
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};

const ProgTypeEntry kEntries[] = {{{
    .type = 25,
    .name = "cgroup_sockopt",
    .ctx_name = "bpf_sockopt",
    .kern_ctx_name = "bpf_sockopt_kern",
    .ctx_size = 40,
    .fields = kFields,
    .traits = kDirectPacketRead | kDirectPacketWrite | kPacketArgsFree | kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_sockopt() {
  return kEntries;
}

}  // namespace osmia::prog_types
