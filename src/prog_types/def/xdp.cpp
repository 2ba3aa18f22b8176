// BPF_PROG_TYPE_XDP: packets in the driver, before the network stack sees them.
#include "host/packet.h"
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
#define OSMIA_XDP(member) \
  { {{offsetof(host::XdpContext, member), sizeof(host::XdpContext::member)}}, 1 }
constexpr CtxField kFields[] = {
    {0, 4, kCtxRead, {RegBase::kPacket}, "data", OSMIA_XDP(data)},
    {4, 4, kCtxRead, {RegBase::kPacketEnd}, "data_end", OSMIA_XDP(data_end)},
    {8, 4, kCtxRead, {RegBase::kPacketMeta}, "data_meta", OSMIA_XDP(data_meta)},
    {12, 4, kCtxRead, {RegBase::kScalar}, "ingress_ifindex", OSMIA_XDP(ingress_ifindex)},
    {16, 4, kCtxRead, {RegBase::kScalar}, "rx_queue_index", OSMIA_XDP(rx_queue_index)},
    {.offset = 20,
     .size = 4,
     .type = {RegBase::kScalar},
     .name = "egress_ifindex",
     .host = OSMIA_XDP(egress_ifindex),
     .attach_types = at(kXdpDevmap)},
};
constexpr auto kGrants =
    join(std::array{Grant{"xdp"}, Grant{"xdp_event_output"}, Grant{"smp_id"}, Grant{"csum_diff"},
                    Grant{"sk_lookup_xdp"}, Grant{"sk_release"}, Grant{"syncookie"}},
         kSockBase);
constexpr NamedCode kCodes[] = {
    {0, "XDP_ABORTED"}, {1, "XDP_DROP"}, {2, "XDP_PASS"}, {3, "XDP_TX"}, {4, "XDP_REDIRECT"},
};

const ProgTypeEntry kEntries[] = {{{
    .type = 6,
    .name = "xdp",
    .ctx_name = "xdp_md",
    .kern_ctx_name = "xdp_buff",
    .ctx_size = 24,
    .fields = kFields,
    .traits = kDirectPacketRead | kDirectPacketWrite | kNeedsNetAdmin,
    .grants = kGrants,
    .codes = kCodes,
    .sockmap = {.update = true, .erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_xdp() {
  return kEntries;
}

}  // namespace osmia::prog_types
