// Lists of helper grants that several program types share. Order matters: the first grant that has a helper
// wins, so a type's own prototypes come before the common ones.
#pragma once
#include <array>

#include "contract/prog_type_def.h"
#include "prog_types/attach_types.h"

namespace osmia::prog_types {

using contract::Capability;
using contract::Sleep;
using Grant = contract::ProgTypeDef::Grant;

template <std::size_t... N>
constexpr auto join(const std::array<Grant, N>&... lists) {
  std::array<Grant, (N + ...)> all{};
  std::size_t i = 0;
  (
      (void)[&] {
        for (const Grant& g : lists) all[i++] = g;
      }(),
      ...);
  return all;
}

// Every program type; more with CAP_BPF, and more with CAP_PERFMON on top of it.
inline constexpr std::array kBase = {
    Grant{"core"},
    Grant{"base"},
    Grant{"base_bpf", Capability::kBpf},
    Grant{"trace_printk", Capability::kPerfmon},
    Grant{"base_perfmon", Capability::kPerfmon},
};

// Networking types.
inline constexpr std::array kSockBase =
    join(std::array{Grant{"sk_casts", Capability::kPerfmon}, Grant{"coarse_time"}}, kBase);

// Types that read packets through a socket buffer without changing them.
inline constexpr std::array kSkFilter = join(
    std::array{Grant{"skb_load"}, Grant{"skb_load_relative"}, Grant{"skb_socket"}, Grant{"skb_event_output"}},
    kSockBase);

// Control-group hooks. Not every hook has a return value to pass on.
inline constexpr u64 kRetvalHooks =
    all_but(at(kCgroupInetIngress, kCgroupInetEgress, kCgroupSockOps, kCgroupUdp4Recvmsg, kCgroupUdp6Recvmsg,
               kCgroupUnixRecvmsg, kCgroupInet4Getpeername, kCgroupInet6Getpeername, kCgroupUnixGetpeername,
               kCgroupInet4Getsockname, kCgroupInet6Getsockname, kCgroupUnixGetsockname));
inline constexpr std::array kCgroupCommon = {Grant{"cgroup_common"},
                                             Grant{"retval", Capability::kNone, kRetvalHooks}};
// ... that run in the context of the task that causes the event.
inline constexpr std::array kCgroupCurrent = {Grant{"current_uid"}, Grant{"current_task"},
                                              Grant{"current_classid"}};

// Lightweight tunnels.
inline constexpr std::array kLwt = join(std::array{Grant{"skb_load"}, Grant{"csum_diff"}, Grant{"skb_route"},
                                                   Grant{"skb_event_output"}, Grant{"smp_id"}},
                                        kSockBase);

// Kernel tracing.
inline constexpr std::array kTracing = join(
    std::array{Grant{.tag = "tracing_sleepable", .sleep = Sleep::kOnlySleepable}, Grant{"tracing"},
               Grant{"smp_id"}, Grant{"current_uid"}, Grant{"current_task"}, Grant{"task_storage_recur"}},
    kBase);

// Programs that attach to kernel functions by BTF (tracing), and those that share their helpers (lsm,
// syscall).
inline constexpr std::array kBtfTracing = join(
    std::array{
        Grant{"btf_output"},
        Grant{"sk_casts"},
        Grant{"sk_storage_tracing"},
        Grant{"sock_from_file"},
        Grant{"socket_ptr_cookie"},
        Grant{"xdp_btf"},
        Grant{"d_path"},
        Grant{"seq_file", Capability::kNone, at(kTraceIter)},
        Grant{"trampoline", Capability::kNone, at(kTraceFentry, kTraceFexit, kModifyReturn, kLsmMac)},
        Grant{"tracing_cookie", Capability::kNone, at(kTraceRawTp, kTraceFentry, kTraceFexit, kModifyReturn)},
        Grant{"raw_tp"},
    },
    kTracing, std::array{Grant{"sk_sockopt", Capability::kNone, at(kTraceIter), "iter_sockopt"}});

}  // namespace osmia::prog_types
