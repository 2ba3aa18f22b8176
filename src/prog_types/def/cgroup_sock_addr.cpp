// BPF_PROG_TYPE_CGROUP_SOCK_ADDR: addresses that sockets of a control group bind, connect, send to or learn.
// Only the fields of the event's address family are seen.
#include "prog_types/grants.h"
#include "prog_types/prog_type.h"

namespace osmia::prog_types {
using namespace contract;
namespace {
constexpr u64 kInet4 = at(kCgroupInet4Bind, kCgroupInet4Connect, kCgroupInet4Getpeername,
                          kCgroupInet4Getsockname, kCgroupUdp4Sendmsg, kCgroupUdp4Recvmsg);
constexpr u64 kInet6 = at(kCgroupInet6Bind, kCgroupInet6Connect, kCgroupInet6Getpeername,
                          kCgroupInet6Getsockname, kCgroupUdp6Sendmsg, kCgroupUdp6Recvmsg);
constexpr CtxField kFields[] = {
    {.offset = 0, .size = 4, .name = "user_family"},
    {.offset = 4,
     .size = 4,
     .access = kCtxRead | kCtxWrite | kCtxNarrowRead,
     .name = "user_ip4",
     .attach_types = kInet4},
    {.offset = 8,
     .size = 16,
     .access = kCtxRead | kCtxWrite | kCtxNarrowRead | kCtxWide,
     .name = "user_ip6",
     .elem = 4,
     .attach_types = kInet6},
    {.offset = 24, .size = 4, .access = kCtxRead | kCtxWrite | kCtxNarrowRead, .name = "user_port"},
    {.offset = 28, .size = 4, .name = "family"},
    {.offset = 32, .size = 4, .name = "type"},
    {.offset = 36, .size = 4, .name = "protocol"},
    {.offset = 40,
     .size = 4,
     .access = kCtxRead | kCtxWrite | kCtxNarrowRead,
     .name = "msg_src_ip4",
     .attach_types = at(kCgroupUdp4Sendmsg)},
    {.offset = 44,
     .size = 16,
     .access = kCtxRead | kCtxWrite | kCtxNarrowRead | kCtxWide,
     .name = "msg_src_ip6",
     .elem = 4,
     .attach_types = at(kCgroupUdp6Sendmsg)},
    {.offset = 64, .size = 8, .type = {RegBase::kSocket}, .name = "sk"},
};
// Socket options: everywhere but when a UNIX socket's own names are asked for.
constexpr u64 kSockoptHooks =
    kInet4 | kInet6 | at(kCgroupUnixConnect, kCgroupUnixRecvmsg, kCgroupUnixSendmsg);
constexpr auto kGrants =
    join(kCgroupCommon, kCgroupCurrent,
         std::array{
             Grant{"bind", Capability::kNone, at(kCgroupInet4Connect, kCgroupInet6Connect)},
             Grant{"sock_addr_sockopt", Capability::kNone, kSockoptHooks},
             Grant{"sock_addr"},
             Grant{"event_output"},
             Grant{"sk_lookup_addr"},
             Grant{"sk_release"},
             Grant{"sk_storage"},
         },
         kSockBase);
constexpr u32 kAttach[] = {
    kCgroupInet4Bind,        kCgroupInet6Bind,        kCgroupInet4Connect,     kCgroupInet6Connect,
    kCgroupUnixConnect,      kCgroupInet4Getpeername, kCgroupInet6Getpeername, kCgroupUnixGetpeername,
    kCgroupInet4Getsockname, kCgroupInet6Getsockname, kCgroupUnixGetsockname,  kCgroupUdp4Sendmsg,
    kCgroupUdp6Sendmsg,      kCgroupUnixSendmsg,      kCgroupUdp4Recvmsg,      kCgroupUdp6Recvmsg,
    kCgroupUnixRecvmsg,
};
// Events that cannot be denied return 1; bind may also ask (bit 1) to bind a privileged port.
constexpr ReturnRange only_one(u32 attach) {
  return {.attach_type = attach, .min = 1, .max = 1, .is64 = true};
}
constexpr ReturnRange kReturns[] = {
    only_one(kCgroupUdp4Recvmsg),
    only_one(kCgroupUdp6Recvmsg),
    only_one(kCgroupUnixRecvmsg),
    only_one(kCgroupInet4Getpeername),
    only_one(kCgroupInet6Getpeername),
    only_one(kCgroupUnixGetpeername),
    only_one(kCgroupInet4Getsockname),
    only_one(kCgroupInet6Getsockname),
    only_one(kCgroupUnixGetsockname),
    {.attach_type = kCgroupInet4Bind, .min = 0, .max = 3, .is64 = true},
    {.attach_type = kCgroupInet6Bind, .min = 0, .max = 3, .is64 = true},
    {.min = 0, .max = 1, .is64 = true},
};

const ProgTypeEntry kEntries[] = {{{
    .type = 18,
    .name = "cgroup_sock_addr",
    .ctx_name = "bpf_sock_addr",
    .kern_ctx_name = "bpf_sock_addr_kern",
    .ctx_size = 72,
    .fields = kFields,
    .traits = kNeedsNetAdmin,
    .grants = kGrants,
    .returns = kReturns,
    .attach_types = kAttach,
}}};
}  // namespace

std::span<const ProgTypeEntry> def_cgroup_sock_addr() {
  return kEntries;
}

}  // namespace osmia::prog_types
