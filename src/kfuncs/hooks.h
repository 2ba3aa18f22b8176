// Program types that share a kfunc hook: a set registered for one of them is open to all of them.
// Source: Linux 6.12, kernel/bpf/btf.c (program type to hook). Types not listed here may call "common" kfuncs
// only.
#pragma once
#include <array>
#include <string_view>

namespace osmia::kfuncs::hook {

template <std::size_t... N>
constexpr auto join(const std::array<std::string_view, N>&... lists) {
  std::array<std::string_view, (N + ...)> all{};
  std::size_t i = 0;
  (
      (void)[&] {
        for (std::string_view s : lists) all[i++] = s;
      }(),
      ...);
  return all;
}

template <class... T>
constexpr std::array<std::string_view, sizeof...(T)> types(T... names) {
  return {names...};
}

inline constexpr auto kCommon = types("common");
inline constexpr auto kXdp = types("xdp");
inline constexpr auto kTc = types("sched_cls");
inline constexpr auto kAct = types("sched_act");
inline constexpr auto kStructOps = types("struct_ops");
inline constexpr auto kTracing = types("tracing", "tracepoint", "perf_event", "lsm");
inline constexpr auto kSyscall = types("syscall");
inline constexpr auto kCgroup = types("cgroup_skb", "cgroup_sock", "cgroup_device", "cgroup_sock_addr",
                                      "cgroup_sockopt", "cgroup_sysctl");
inline constexpr auto kSkSkb = types("sk_skb");
inline constexpr auto kSocketFilter = types("socket_filter");
inline constexpr auto kLwt = types("lwt_out", "lwt_in", "lwt_xmit", "lwt_seg6local");
inline constexpr auto kNetfilter = types("netfilter");
inline constexpr auto kKprobe = types("kprobe");

}  // namespace osmia::kfuncs::hook
