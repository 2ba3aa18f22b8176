// BPF_PROG_TYPE_SK_MSG: messages on their way into a socket of a socket map.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 8, .type = {RegBase::kPacket}, .name = "data"},
    {.offset = 8, .size = 8, .type = {RegBase::kPacketEnd}, .name = "data_end"},
    {.offset = 16, .size = 4, .name = "family"},
    {.offset = 20, .size = 4, .name = "remote_ip4"},
    {.offset = 24, .size = 4, .name = "local_ip4"},
    {.offset = 28, .size = 16, .name = "remote_ip6", .elem = 4},
    {.offset = 44, .size = 16, .name = "local_ip6", .elem = 4},
    {.offset = 60, .size = 4, .name = "remote_port"},
    {.offset = 64, .size = 4, .name = "local_port"},
    {.offset = 68, .size = 4, .name = "size"},
    {.offset = 72, .size = 8, .type = {RegBase::kSocket}, .name = "sk"},
};
constexpr auto kGrants = join(std::array{Grant{"sk_msg"}, Grant{"event_output"}, Grant{"current_uid"},
                                         Grant{"sk_storage"}, Grant{"current_classid"}},
                              kSockBase);
constexpr NamedCode kCodes[] = {{0, "SK_DROP"}, {1, "SK_PASS"}};

const ProgTypeEntry kEntries[] = {{{
    .type = 16,
    .name = "sk_msg",
    .ctx_name = "sk_msg_md",
    .kern_ctx_name = "sk_msg",
    .ctx_size = 80,
    .fields = kFields,
    .traits = kDirectPacketRead | kDirectPacketWrite | kNeedsNetAdmin,
    .grants = kGrants,
    .codes = kCodes,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sk_msg() {
  return kEntries;
}

}  // namespace osmia::prog_types
