// The UAPI's struct bpf_sock, bpf_tcp_sock, bpf_xdp_sock and bpf_flow_keys as programs may read them.
// Reads only (flow keys may also be written); offsets and access rules are Linux 6.12's.
#include "prog_types/object_layouts.h"

#include "prog_types/sock_fields.h"

namespace osmia::prog_types {
using namespace contract;
namespace {

constexpr CtxField kTcpSock[] = {
    {.offset = 0, .size = 4, .name = "snd_cwnd"},
    {.offset = 4, .size = 4, .name = "srtt_us"},
    {.offset = 8, .size = 4, .name = "rtt_min"},
    {.offset = 12, .size = 4, .name = "snd_ssthresh"},
    {.offset = 16, .size = 4, .name = "rcv_nxt"},
    {.offset = 20, .size = 4, .name = "snd_nxt"},
    {.offset = 24, .size = 4, .name = "snd_una"},
    {.offset = 28, .size = 4, .name = "mss_cache"},
    {.offset = 32, .size = 4, .name = "ecn_flags"},
    {.offset = 36, .size = 4, .name = "rate_delivered"},
    {.offset = 40, .size = 4, .name = "rate_interval_us"},
    {.offset = 44, .size = 4, .name = "packets_out"},
    {.offset = 48, .size = 4, .name = "retrans_out"},
    {.offset = 52, .size = 4, .name = "total_retrans"},
    {.offset = 56, .size = 4, .name = "segs_in"},
    {.offset = 60, .size = 4, .name = "data_segs_in"},
    {.offset = 64, .size = 4, .name = "segs_out"},
    {.offset = 68, .size = 4, .name = "data_segs_out"},
    {.offset = 72, .size = 4, .name = "lost_out"},
    {.offset = 76, .size = 4, .name = "sacked_out"},
    {.offset = 80, .size = 8, .name = "bytes_received"},
    {.offset = 88, .size = 8, .name = "bytes_acked"},
    {.offset = 96, .size = 4, .name = "dsack_dups"},
    {.offset = 100, .size = 4, .name = "delivered"},
    {.offset = 104, .size = 4, .name = "delivered_ce"},
    {.offset = 108, .size = 4, .name = "icsk_retransmits"},
};

constexpr CtxField kXdpSock[] = {{.offset = 0, .size = 4, .name = "queue_id"}};

// The parser writes what it finds; every byte may be read and written in any size.
constexpr CtxField kFlowKeys[] = {
    {.offset = 0, .size = 56, .access = kCtxRead | kCtxWrite | kCtxAnySize, .name = "bpf_flow_keys"}};

constexpr auto kSocket = sock_fields(true);
constexpr auto kSockCommon = sock_fields(false);

constexpr ObjectLayout kLayouts[] = {
    {RegBase::kSocket, "bpf_sock", 80, kSocket.span()},
    {RegBase::kSockCommon, "bpf_sock", 80, kSockCommon.span()},
    {RegBase::kTcpSock, "bpf_tcp_sock", 112, kTcpSock},
    {RegBase::kXdpSock, "bpf_xdp_sock", 4, kXdpSock},
    {RegBase::kFlowKeys, "bpf_flow_keys", 56, kFlowKeys},
};
}  // namespace

std::span<const ObjectLayout> object_layouts() {
  return kLayouts;
}

}  // namespace osmia::prog_types
