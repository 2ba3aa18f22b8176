// BPF_PROG_TYPE_SOCK_OPS: events in the life of a TCP connection.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 4, .name = "op"},
    {.offset = 4, .size = 4, .access = kCtxRead | kCtxWrite, .name = "reply"},
    {.offset = 8, .size = 12, .name = "args", .elem = 4},
    {.offset = 20, .size = 4, .name = "family"},
    {.offset = 24, .size = 4, .name = "remote_ip4"},
    {.offset = 28, .size = 4, .name = "local_ip4"},
    {.offset = 32, .size = 16, .name = "remote_ip6", .elem = 4},
    {.offset = 48, .size = 16, .name = "local_ip6", .elem = 4},
    {.offset = 64, .size = 4, .name = "remote_port"},
    {.offset = 68, .size = 4, .name = "local_port"},
    {.offset = 72, .size = 4, .name = "is_fullsock"},
    {.offset = 76, .size = 4, .name = "snd_cwnd"},
    {.offset = 80, .size = 4, .name = "srtt_us"},
    {.offset = 84, .size = 4, .name = "bpf_sock_ops_cb_flags"},
    {.offset = 88, .size = 4, .name = "state"},
    {.offset = 92, .size = 4, .name = "rtt_min"},
    {.offset = 96, .size = 4, .name = "snd_ssthresh"},
    {.offset = 100, .size = 4, .name = "rcv_nxt"},
    {.offset = 104, .size = 4, .name = "snd_nxt"},
    {.offset = 108, .size = 4, .name = "snd_una"},
    {.offset = 112, .size = 4, .name = "mss_cache"},
    {.offset = 116, .size = 4, .name = "ecn_flags"},
    {.offset = 120, .size = 4, .name = "rate_delivered"},
    {.offset = 124, .size = 4, .name = "rate_interval_us"},
    {.offset = 128, .size = 4, .name = "packets_out"},
    {.offset = 132, .size = 4, .name = "retrans_out"},
    {.offset = 136, .size = 4, .name = "total_retrans"},
    {.offset = 140, .size = 4, .name = "segs_in"},
    {.offset = 144, .size = 4, .name = "data_segs_in"},
    {.offset = 148, .size = 4, .name = "segs_out"},
    {.offset = 152, .size = 4, .name = "data_segs_out"},
    {.offset = 156, .size = 4, .name = "lost_out"},
    {.offset = 160, .size = 4, .name = "sacked_out"},
    {.offset = 164, .size = 4, .access = kCtxRead | kCtxWrite, .name = "sk_txhash"},
    {.offset = 168, .size = 8, .name = "bytes_received"},
    {.offset = 176, .size = 8, .name = "bytes_acked"},
    {.offset = 184, .size = 8, .type = {RegBase::kSocket, kMaybeNull}, .name = "sk"},
    {.offset = 192, .size = 8, .type = {RegBase::kPacket}, .name = "skb_data"},
    {.offset = 200, .size = 8, .type = {RegBase::kPacketEnd}, .name = "skb_data_end"},
    {.offset = 208, .size = 4, .name = "skb_len"},
    {.offset = 212,
     .size = 4,
     .access = kCtxRead | kCtxNarrowRead | kCtxNarrowFirst,
     .name = "skb_tcp_flags"},
    {.offset = 216, .size = 8, .name = "skb_hwtstamp"},
};
constexpr auto kGrants = join(
    kCgroupCommon,
    std::array{Grant{"sock_ops"}, Grant{"event_output"}, Grant{"sk_storage"}, Grant{"tcp_sock"}}, kSockBase);
constexpr ReturnRange kReturns[] = {{.min = 0, .max = 1, .is64 = true}};

const ProgTypeEntry kEntries[] = {{{
    .type = 13,
    .name = "sock_ops",
    .ctx_name = "bpf_sock_ops",
    .kern_ctx_name = "bpf_sock_ops_kern",
    .ctx_size = 224,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .sockmap = {.erase = true},
}}};
}  // namespace

std::span<const ProgTypeEntry> def_sock_ops() {
  return kEntries;
}

}  // namespace osmia::prog_types
