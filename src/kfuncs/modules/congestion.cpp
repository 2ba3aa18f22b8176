// tcp_bbr, tcp_cubic, tcp_dctcp: the kernel's congestion control, for programs that build on it. Sources:
// net/ipv4/tcp_bbr.c, tcp_cubic.c, tcp_dctcp.c.
#include "kfuncs/modules.h"

namespace osmia::kfuncs::modules {
namespace {
const ModuleDeclarations kModules[] = {
    {"tcp_bbr", "bbr_main", R"(
u32 bbr_min_tso_segs(struct sock *sk);
void bbr_cwnd_event(struct sock *sk, enum tcp_ca_event event);
void bbr_main(struct sock *sk, u32 ack, int flag, const struct rate_sample *rs);
void bbr_init(struct sock *sk);
u32 bbr_sndbuf_expand(struct sock *sk);
u32 bbr_undo_cwnd(struct sock *sk);
u32 bbr_ssthresh(struct sock *sk);
void bbr_set_state(struct sock *sk, u8 new_state);
)"},
    {"tcp_cubic", "cubictcp_init", R"(
void cubictcp_init(struct sock *sk);
void cubictcp_cwnd_event(struct sock *sk, enum tcp_ca_event event);
void cubictcp_cong_avoid(struct sock *sk, u32 ack, u32 acked);
u32 cubictcp_recalc_ssthresh(struct sock *sk);
void cubictcp_state(struct sock *sk, u8 new_state);
void cubictcp_acked(struct sock *sk, const struct ack_sample *sample);
)"},
    {"tcp_dctcp", "dctcp_init", R"(
void dctcp_init(struct sock *sk);
u32 dctcp_ssthresh(struct sock *sk);
void dctcp_update_alpha(struct sock *sk, u32 flags);
void dctcp_state(struct sock *sk, u8 new_state);
void dctcp_cwnd_event(struct sock *sk, enum tcp_ca_event ev);
u32 dctcp_cwnd_undo(struct sock *sk);
)"},
};
}  // namespace

std::span<const ModuleDeclarations> def_congestion() {
  return kModules;
}

}  // namespace osmia::kfuncs::modules
