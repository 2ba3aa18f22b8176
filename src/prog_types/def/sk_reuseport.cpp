// BPF_PROG_TYPE_SK_REUSEPORT: chooses among the sockets that share a port.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 8, .type = {RegBase::kPacket}, .name = "data"},
    {.offset = 8, .size = 8, .type = {RegBase::kPacketEnd}, .name = "data_end"},
    {.offset = 16, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "len"},
    {.offset = 20, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "eth_protocol", .min_read = 2},
    {.offset = 24, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "ip_protocol"},
    {.offset = 28, .size = 4, .access = kCtxRead | kCtxNarrowRead, .name = "bind_inany"},
    {.offset = 32, .size = 4, .name = "hash"},
    {.offset = 40, .size = 8, .type = {RegBase::kSocket}, .name = "sk"},
    {.offset = 48, .size = 8, .type = {RegBase::kSockCommon, kMaybeNull}, .name = "migrating_sk"},
};
constexpr auto kGrants =
    join(std::array{Grant{"sk_reuseport"}, Grant{"socket_ptr_cookie"}, Grant{"coarse_time"}}, kBase);
constexpr u32 kAttach[] = {kSkReuseportSelect, kSkReuseportSelectOrMigrate};
constexpr NamedCode kCodes[] = {{0, "SK_DROP"}, {1, "SK_PASS"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 21,
    .name = "sk_reuseport",
    .ctx_name = "sk_reuseport_md",
    .kern_ctx_name = "sk_reuseport_kern",
    .ctx_size = 56,
    .fields = kFields,
    .traits = kDirectPacketRead,
    .grants = kGrants,
    .attach_types = kAttach,
    .default_attach_type = kSkReuseportSelect,
    .codes = kCodes,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sk_reuseport() {
  return kEntries;
}

}  // namespace osmia::prog_types
