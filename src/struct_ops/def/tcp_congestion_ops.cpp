// tcp_congestion_ops: TCP congestion control (net/ipv4/bpf_tcp_ca.c, tcp_cong.c). A process has no
// connections of its own: an algorithm is taken on under its name, as there, and is never called.
#include <algorithm>

#include "base/bits.h"
#include "struct_ops/struct_ops.h"

namespace osmia::struct_ops {
using namespace contract;
namespace {

constexpr StructOpsMember kMembers[] = {
    {.name = "ssthresh", .stub = "bpf_tcp_ca_ssthresh"},
    {.name = "cong_avoid", .stub = "bpf_tcp_ca_cong_avoid"},
    {.name = "set_state", .stub = "bpf_tcp_ca_set_state"},
    {.name = "cwnd_event", .stub = "bpf_tcp_ca_cwnd_event"},
    {.name = "in_ack_event", .stub = "bpf_tcp_ca_in_ack_event"},
    {.name = "pkts_acked", .stub = "bpf_tcp_ca_pkts_acked"},
    {.name = "min_tso_segs", .stub = "bpf_tcp_ca_min_tso_segs"},
    {.name = "cong_control", .stub = "bpf_tcp_ca_cong_control"},
    {.name = "undo_cwnd", .stub = "bpf_tcp_ca_undo_cwnd"},
    {.name = "sndbuf_expand", .stub = "bpf_tcp_ca_sndbuf_expand"},
    {.name = "init", .stub = "__bpf_tcp_ca_init"},
    {.name = "release", .stub = "__bpf_tcp_ca_release"},
};

// The socket as its layers see it: each begins with the one before.
constexpr WritableMember kTcpSock[] = {
    {"sock", "sk_pacing_rate"},
    {"sock", "sk_pacing_status"},
    {"inet_connection_sock", "icsk_ca_priv", true},
    {"inet_connection_sock", "icsk_ack.pending"},
    {"tcp_sock", "snd_cwnd"},
    {"tcp_sock", "snd_cwnd_cnt"},
    {"tcp_sock", "snd_cwnd_stamp"},
    {"tcp_sock", "snd_ssthresh"},
    {"tcp_sock", "ecn_flags"},
    {"tcp_sock", "app_limited"},
};
constexpr WritableStruct kWritable[] = {
    {.name = "tcp_sock",
     .parts = kTcpSock,
     .no_part = "no write support to tcp_sock at off {off}",
     .too_long = "write access at off {off} with size {size} beyond the member of tcp_sock ended at {end}"}};

// No socket option is set while the algorithm is being taken away.
constexpr std::string_view kRelease[] = {"release"};
constexpr StructOpsGrant kGrants[] = {
    {"tcp_ca"}, {"sk_storage"}, {"coarse_time"}, {.tag = "sk_sockopt", .except = kRelease}};

int init_member(std::string_view member, const u8* from, u8* to, u32 size) {
  constexpr u32 kFlagMask = 3;  // TCP_CONG_NON_RESTRICTED | TCP_CONG_NEEDS_ECN
  if (member == "name") return copy_name(from, to, size);
  if (member != "flags") return 0;
  return load_unaligned<u32>(from) & ~kFlagMask ? -EINVAL : copy_member(from, to, size);
}

int validate(const StructOpsMap& ca) {
  const bool whole =
      ca.has("ssthresh") && ca.has("undo_cwnd") && (ca.has("cong_avoid") || ca.has("cong_control"));
  return whole ? 0 : -EINVAL;
}

int admit(const StructOpsMap& ca, std::span<const StructOpsMapPtr> others) {
  if (const int err = validate(ca)) return err;
  const std::string name = ca.text("name");
  // Built into the reference kernel.
  if (name.empty() || name == "reno" || name == "cubic") return -EEXIST;
  return std::any_of(others.begin(), others.end(), [&](const auto& o) { return o->text("name") == name; })
             ? -EEXIST
             : 0;
}

int may_replace(const StructOpsMap& with, const StructOpsMap& old) {
  return with.text("name") == old.text("name") ? 0 : -EINVAL;
}

const StructOpsEntry kEntries[] = {
    {.def = {.name = "tcp_congestion_ops",
             .members = kMembers,
             .promote_from = "sock",
             .promote_to = "tcp_sock",
             .writable = kWritable,
             .write_denied = "only read is supported",
             .grants = kGrants,
             .base = kStructOpsBase},
     .code = {.init_member = init_member, .validate = validate, .admit = admit, .may_replace = may_replace}},
};

}  // namespace

std::span<const StructOpsEntry> def_tcp_congestion_ops() {
  return kEntries;
}

}  // namespace osmia::struct_ops
