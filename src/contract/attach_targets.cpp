// The iterators of Linux 6.12.
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

}  // namespace

const IteratorDef* iterator_target(std::string_view name) {
  for (const IteratorDef& d : kIterators)
    if (d.name == name) return &d;
  return nullptr;
}

}  // namespace osmia::contract
