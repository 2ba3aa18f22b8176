// The iterators and struct_ops of Linux 6.12 and of its test module.
#include "contract/attach_targets.h"

namespace osmia::contract {
namespace {

constexpr RegType kBtf{RegBase::kBtfId, kMaybeNull};
constexpr RegType kTrustedBtf{RegBase::kBtfId, kMaybeNull | kTrusted};
constexpr RegType kReadBuf{RegBase::kBuf, kMaybeNull | kRdOnly};
constexpr RegType kWriteBuf{RegBase::kBuf, kMaybeNull};

// Offset 0 is the iterator's own record (struct bpf_iter_meta), typed by BTF.
constexpr IteratorArg kBpfMap[] = {{8, kTrustedBtf, "bpf_map"}};
constexpr IteratorArg kBpfMapElem[] = {{16, kReadBuf}, {24, kWriteBuf}};
constexpr IteratorArg kBpfProg[] = {{8, kBtf, "bpf_prog"}};
constexpr IteratorArg kBpfLink[] = {{8, kBtf, "bpf_link"}};
constexpr IteratorArg kTask[] = {{8, kTrustedBtf, "task_struct"}};
constexpr IteratorArg kTaskFile[] = {{8, kBtf, "task_struct"}, {24, kBtf, "file"}};
constexpr IteratorArg kTaskVma[] = {{8, kBtf, "task_struct"}, {16, kBtf, "vm_area_struct"}};
constexpr IteratorArg kCgroup[] = {{8, kTrustedBtf, "cgroup"}};
constexpr IteratorArg kKsym[] = {{8, kBtf, "kallsym_iter"}};
constexpr IteratorArg kIpv6Route[] = {{8, kBtf, "fib6_info"}};
constexpr IteratorArg kNetlink[] = {{8, kBtf, "netlink_sock"}};
constexpr IteratorArg kUnix[] = {{8, kBtf, "unix_sock"}};
constexpr IteratorArg kTcp[] = {{8, kTrustedBtf, "sock_common"}};
constexpr IteratorArg kUdp[] = {{8, kTrustedBtf, "udp_sock"}};
constexpr IteratorArg kSockmap[] = {{16, kReadBuf}, {24, kBtf, "sock"}};
constexpr IteratorArg kSkStorageMap[] = {{16, kBtf, "sock"}, {24, kWriteBuf}};

constexpr IteratorDef kIterators[] = {
    {"bpf_map", kBpfMap},   {"bpf_map_elem", kBpfMapElem},
    {"bpf_prog", kBpfProg}, {"bpf_link", kBpfLink},
    {"task", kTask},        {"task_file", kTaskFile},
    {"task_vma", kTaskVma}, {"cgroup", kCgroup},
    {"ksym", kKsym},        {"ipv6_route", kIpv6Route},
    {"netlink", kNetlink},  {"unix", kUnix},
    {"tcp", kTcp},          {"udp", kUdp},
    {"sockmap", kSockmap},  {"bpf_sk_storage_map", kSkStorageMap},
};

constexpr std::string_view kTcpUnsupported[] = {"get_info"};
constexpr WritableMember kTcpWritable[] = {
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
constexpr std::string_view kDummyMaySleep[] = {"test_sleepable"};
constexpr WritableMember kDummyWritable[] = {{"bpf_dummy_ops_state", "", true}};
constexpr WritableMember kStOpsWritable[] = {{"st_ops_args", "", true}};
constexpr std::string_view kSchedExtMaySleep[] = {
    "init_task",  "cgroup_init", "cgroup_exit", "cgroup_prep_move",
    "cpu_online", "cpu_offline", "init",        "exit"};
constexpr WritableMember kSchedExtWritable[] = {{"task_struct", "scx.slice", true},
                                                {"task_struct", "scx.dsq_vtime", true},
                                                {"task_struct", "scx.disallow", true}};
constexpr std::string_view kHidMaySleep[] = {"hid_rdesc_fixup", "hid_hw_request", "hid_hw_output_report"};

constexpr StructOpsDef kStructOps[] = {
    {.name = "tcp_congestion_ops",
     .unsupported = kTcpUnsupported,
     .promote_from = "sock",
     .promote_to = "tcp_sock",
     .writable = kTcpWritable,
     .write_denied = "only read is supported"},
    {.name = "bpf_dummy_ops",
     .all_may_sleep = false,
     .may_sleep = kDummyMaySleep,
     .writable = kDummyWritable,
     .write_denied = "only access to bpf_dummy_ops_state is supported"},
    {.name = "sched_ext_ops",
     .all_may_sleep = false,
     .may_sleep = kSchedExtMaySleep,
     .writable = kSchedExtWritable},
    {.name = "hid_bpf_ops", .all_may_sleep = false, .may_sleep = kHidMaySleep},
    {.name = "bpf_testmod_ops", .module = "bpf_testmod"},
    {.name = "bpf_testmod_ops2", .module = "bpf_testmod"},
    {.name = "bpf_testmod_st_ops", .module = "bpf_testmod", .writable = kStOpsWritable},
};

}  // namespace

const IteratorDef* iterator_target(std::string_view name) {
  for (const IteratorDef& d : kIterators)
    if (d.name == name) return &d;
  return nullptr;
}

const StructOpsDef* struct_ops_target(std::string_view name) {
  for (const StructOpsDef& d : kStructOps)
    if (d.name == name) return &d;
  return nullptr;
}

}  // namespace osmia::contract
