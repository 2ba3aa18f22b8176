// Links to what is the machine's: control groups, network devices and namespaces, sockets, perf events. A
// process has none of its own, and Osmia attaches nothing to the machine's kernel: the request is refused,
// and the line says what does run such a program here.
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

constexpr const char* kCgroup =
    "a process has no control groups to attach to; BPF_PROG_TEST_RUN (`osmia run`) runs the types that have "
    "a test run";

const char* why(const LinkRequest& r) {
  switch (r.prog_type()) {
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_SOCK_OPS:
    case BPF_PROG_TYPE_CGROUP_DEVICE:
    case BPF_PROG_TYPE_CGROUP_SYSCTL:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT: return kCgroup;
    case BPF_PROG_TYPE_LSM:
      return r.program->desc.expected_attach_type == BPF_LSM_CGROUP && !r.opened ? kCgroup : nullptr;
    case BPF_PROG_TYPE_FLOW_DISSECTOR:
    case BPF_PROG_TYPE_SK_LOOKUP:
      return "a process has no network namespace of its own to attach to; BPF_PROG_TEST_RUN runs the program";
    case BPF_PROG_TYPE_SK_MSG:
    case BPF_PROG_TYPE_SK_SKB: return "sockets are the machine's: nothing passes through a sockmap here";
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_SCHED_CLS:
      return "a process has no network devices; `osmia run --pcap` or BPF_PROG_TEST_RUN give the program "
             "packets";
    case BPF_PROG_TYPE_NETFILTER:
      return "a process has no netfilter hooks; BPF_PROG_TEST_RUN runs the program";
    case BPF_PROG_TYPE_PERF_EVENT:
    case BPF_PROG_TYPE_TRACEPOINT: return "perf events and their tracepoints are the machine's";
    case BPF_PROG_TYPE_KPROBE:
      return r.attach_type == BPF_TRACE_UPROBE_MULTI ? "probes of user functions are the machine's"
                                                     : "probes are the machine's";
    default: return nullptr;
  }
}

const LinkType kTypes[] = {{
    .takes = [](const LinkRequest& r) { return !r.opened && r.program && why(r); },
    .create = [](LinkRequest& r) -> Result<runtime::LinkPtr> {
      return Error{EOPNOTSUPP, std::string("not supported: ") + why(r)};
    },
}};
}  // namespace

std::span<const LinkType> def_elsewhere() {
  return kTypes;
}

}  // namespace osmia::syscall::links
