// Why a helper has no code: it needs something that is the kernel's alone.
#include <array>

#include "helpers/helper.h"

namespace osmia::helpers {
namespace {

struct Reason {
  std::string_view why;
  std::span<const std::string_view> names;
};
template <class... T>
constexpr auto list(T... names) {
  return std::array<std::string_view, sizeof...(names)>{names...};
}

constexpr auto kCgroup = list("bpf_get_netns_cookie");
constexpr auto kVariables = list("bpf_per_cpu_ptr", "bpf_this_cpu_ptr");
constexpr auto kLirc = list("bpf_rc_repeat", "bpf_rc_keydown", "bpf_rc_pointer_rel");
constexpr auto kSecurity = list("bpf_bprm_opts_set", "bpf_ima_inode_hash", "bpf_ima_file_hash");
constexpr auto kRoutes =
    list("bpf_lwt_push_encap", "bpf_lwt_seg6_store_bytes", "bpf_lwt_seg6_action", "bpf_lwt_seg6_adjust_srh");
constexpr auto kPerf = list("bpf_perf_prog_read_value", "bpf_read_branch_records");
constexpr auto kTracedPackets = list("bpf_skb_output", "bpf_xdp_output");
constexpr auto kConnections =
    list("bpf_sock_ops_cb_flags_set", "bpf_load_hdr_opt", "bpf_store_hdr_opt", "bpf_reserve_hdr_opt",
         "bpf_tcp_send_ack", "bpf_sock_map_update", "bpf_sock_hash_update");
constexpr auto kFiles = list("bpf_sock_from_file");

constexpr Reason kReasons[] = {
    {"the hooks of control groups are the kernel's", kCgroup},
    {"the variables of the kernel's CPUs are the kernel's", kVariables},
    {"infrared receivers are the kernel's", kLirc},
    {"security hooks are the kernel's", kSecurity},
    {"routes and tunnels are the kernel's", kRoutes},
    {"no perf event runs a program in a process", kPerf},
    {"traced packets are the kernel's", kTracedPackets},
    {"connections are the kernel's", kConnections},
    {"open files are the kernel's", kFiles},
};

}  // namespace

std::string_view absence(std::string_view name) {
  for (const Reason& r : kReasons)
    for (const std::string_view n : r.names)
      if (n == name) return r.why;
  return {};
}

}  // namespace osmia::helpers
