// Which program types fit which attach types: the facts of uapi linux/bpf.h and Linux 6.12's checks before
// it attaches.
#include "syscall/link_type.h"

namespace osmia::syscall {

u32 prog_type_of_attach_type(u32 attach_type) {
  switch (attach_type) {
    case BPF_CGROUP_INET_INGRESS:
    case BPF_CGROUP_INET_EGRESS: return BPF_PROG_TYPE_CGROUP_SKB;
    case BPF_CGROUP_INET_SOCK_CREATE:
    case BPF_CGROUP_INET_SOCK_RELEASE:
    case BPF_CGROUP_INET4_POST_BIND:
    case BPF_CGROUP_INET6_POST_BIND: return BPF_PROG_TYPE_CGROUP_SOCK;
    case BPF_CGROUP_INET4_BIND:
    case BPF_CGROUP_INET6_BIND:
    case BPF_CGROUP_INET4_CONNECT:
    case BPF_CGROUP_INET6_CONNECT:
    case BPF_CGROUP_UNIX_CONNECT:
    case BPF_CGROUP_INET4_GETPEERNAME:
    case BPF_CGROUP_INET6_GETPEERNAME:
    case BPF_CGROUP_UNIX_GETPEERNAME:
    case BPF_CGROUP_INET4_GETSOCKNAME:
    case BPF_CGROUP_INET6_GETSOCKNAME:
    case BPF_CGROUP_UNIX_GETSOCKNAME:
    case BPF_CGROUP_UDP4_SENDMSG:
    case BPF_CGROUP_UDP6_SENDMSG:
    case BPF_CGROUP_UNIX_SENDMSG:
    case BPF_CGROUP_UDP4_RECVMSG:
    case BPF_CGROUP_UDP6_RECVMSG:
    case BPF_CGROUP_UNIX_RECVMSG: return BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
    case BPF_CGROUP_SOCK_OPS: return BPF_PROG_TYPE_SOCK_OPS;
    case BPF_CGROUP_DEVICE: return BPF_PROG_TYPE_CGROUP_DEVICE;
    case BPF_CGROUP_SYSCTL: return BPF_PROG_TYPE_CGROUP_SYSCTL;
    case BPF_CGROUP_GETSOCKOPT:
    case BPF_CGROUP_SETSOCKOPT: return BPF_PROG_TYPE_CGROUP_SOCKOPT;
    case BPF_SK_MSG_VERDICT: return BPF_PROG_TYPE_SK_MSG;
    case BPF_SK_SKB_STREAM_PARSER:
    case BPF_SK_SKB_STREAM_VERDICT:
    case BPF_SK_SKB_VERDICT: return BPF_PROG_TYPE_SK_SKB;
    case BPF_LIRC_MODE2: return BPF_PROG_TYPE_LIRC_MODE2;
    case BPF_FLOW_DISSECTOR: return BPF_PROG_TYPE_FLOW_DISSECTOR;
    case BPF_TRACE_ITER:
    case BPF_TRACE_RAW_TP:
    case BPF_TRACE_FENTRY:
    case BPF_TRACE_FEXIT:
    case BPF_MODIFY_RETURN: return BPF_PROG_TYPE_TRACING;
    case BPF_LSM_MAC:
    case BPF_LSM_CGROUP: return BPF_PROG_TYPE_LSM;
    case BPF_SK_LOOKUP: return BPF_PROG_TYPE_SK_LOOKUP;
    case BPF_XDP: return BPF_PROG_TYPE_XDP;
    case BPF_TCX_INGRESS:
    case BPF_TCX_EGRESS:
    case BPF_NETKIT_PRIMARY:
    case BPF_NETKIT_PEER: return BPF_PROG_TYPE_SCHED_CLS;
    default: return BPF_PROG_TYPE_UNSPEC;
  }
}

int check_attach_type(const Call& c, const runtime::Program& p, u32 attach_type) {
  const u32 expected = p.desc.expected_attach_type;
  const auto need = [](bool fits) { return fits ? 0 : EINVAL; };
  switch (p.desc.type) {
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case BPF_PROG_TYPE_SK_LOOKUP: return need(attach_type == expected);
    case BPF_PROG_TYPE_CGROUP_SKB:
      // Such programs load without privileges: who may attach them is asked here.
      if (!c.capable(contract::Capability::kNetAdmin)) return EPERM;
      return need(prog_type_of_attach_type(attach_type) == p.desc.type);
    case BPF_PROG_TYPE_EXT: return 0;
    case BPF_PROG_TYPE_NETFILTER: return need(attach_type == BPF_NETFILTER);
    case BPF_PROG_TYPE_PERF_EVENT:
    case BPF_PROG_TYPE_TRACEPOINT: return need(attach_type == BPF_PERF_EVENT);
    case BPF_PROG_TYPE_KPROBE:
      for (const u32 fixed : {BPF_TRACE_KPROBE_MULTI, BPF_TRACE_KPROBE_SESSION, BPF_TRACE_UPROBE_MULTI})
        if (expected == fixed && attach_type != fixed) return EINVAL;
      return need(attach_type == BPF_PERF_EVENT || attach_type == BPF_TRACE_KPROBE_MULTI ||
                  attach_type == BPF_TRACE_KPROBE_SESSION || attach_type == BPF_TRACE_UPROBE_MULTI);
    case BPF_PROG_TYPE_SCHED_CLS:
      return need(attach_type == BPF_TCX_INGRESS || attach_type == BPF_TCX_EGRESS ||
                  attach_type == BPF_NETKIT_PRIMARY || attach_type == BPF_NETKIT_PEER);
    default: {
      const u32 type = prog_type_of_attach_type(attach_type);
      return need(type && type == p.desc.type);
    }
  }
}

}  // namespace osmia::syscall
