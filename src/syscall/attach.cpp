// PROG_ATTACH, PROG_DETACH and PROG_QUERY: what they attach to (control groups, devices, sockets, namespaces)
// is the machine's, so after Linux's checks of the arguments they refuse. Tokens and statistics.
#include "syscall/link_type.h"

namespace osmia::syscall {
namespace {

constexpr u32 kBaseFlags = BPF_F_ALLOW_OVERRIDE | BPF_F_ALLOW_MULTI | BPF_F_REPLACE | (1u << 6);  // _PREORDER
constexpr u32 kOrderFlags = BPF_F_REPLACE | BPF_F_BEFORE | BPF_F_AFTER | BPF_F_ID | BPF_F_LINK;

bool is_cgroup_type(u32 type, bool lsm) {
  switch (type) {
    case BPF_PROG_TYPE_CGROUP_DEVICE:
    case BPF_PROG_TYPE_CGROUP_SKB:
    case BPF_PROG_TYPE_CGROUP_SOCK:
    case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case BPF_PROG_TYPE_CGROUP_SYSCTL:
    case BPF_PROG_TYPE_SOCK_OPS: return true;
    case BPF_PROG_TYPE_LSM: return lsm;
    default: return false;
  }
}

long machines_own(u32 type) {
  if (is_cgroup_type(type, true))
    return fail(
        EOPNOTSUPP,
        "not supported: a process has no control groups to attach to; BPF_PROG_TEST_RUN (`osmia run`) "
        "runs the types that have a test run");
  if (type == BPF_PROG_TYPE_SCHED_CLS)
    return fail(
        EOPNOTSUPP,
        "not supported: a process has no network devices; `osmia run --pcap` or BPF_PROG_TEST_RUN give "
        "the program packets");
  if (type == BPF_PROG_TYPE_SK_SKB || type == BPF_PROG_TYPE_SK_MSG)
    return fail(EOPNOTSUPP,
                "not supported: sockets are the machine's: nothing passes through a sockmap here");
  return fail(EOPNOTSUPP, "not supported: what this program type attaches to is the machine's");
}

}  // namespace

long prog_attach(Call& c) {
  OSMIA_CHECK_ATTR(c, expected_revision);
  const auto& a = c.attr;
  const u32 type = prog_type_of_attach_type(a.attach_type);
  if (!type) return fail(EINVAL, "attach_type cannot be attached so");
  const u32 allowed = type == BPF_PROG_TYPE_SCHED_CLS ? kOrderFlags
                      : is_cgroup_type(type, true)    ? kBaseFlags | kOrderFlags
                                                      : kBaseFlags;
  if (a.attach_flags & ~allowed) return fail(EINVAL, "unknown attach_flags");
  if (allowed == kBaseFlags && (a.relative_fd || a.expected_revision))
    return fail(EINVAL, "relative_fd and expected_revision: not for this attach type");
  int err;
  const auto program = get_prog(static_cast<int>(a.attach_bpf_fd), &err);
  if (!program) return fail(-err, "attach_bpf_fd is not a program");
  if (program->desc.type != type || check_attach_type(c, *program, a.attach_type))
    return fail(EINVAL, "attach_type does not fit the program");
  switch (type) {
    case BPF_PROG_TYPE_LSM:
      if (program->desc.expected_attach_type != BPF_LSM_CGROUP) return fail(EINVAL, "expected a link");
      return machines_own(type);
    case BPF_PROG_TYPE_TRACING:
    case BPF_PROG_TYPE_XDP:
    case BPF_PROG_TYPE_SK_LOOKUP: return fail(EINVAL, "this program type is attached by a link");
    default: return machines_own(type);
  }
}

long prog_detach(Call& c) {
  OSMIA_CHECK_ATTR(c, expected_revision);
  const auto& a = c.attr;
  const u32 type = prog_type_of_attach_type(a.attach_type);
  if (type == BPF_PROG_TYPE_SCHED_CLS) {
    if (a.attach_flags & ~kOrderFlags) return fail(EINVAL, "unknown attach_flags");
    int err = 0;
    if (a.attach_bpf_fd && !get_prog(static_cast<int>(a.attach_bpf_fd), &err))
      return fail(-err, "attach_bpf_fd is not a program");
  } else if (a.attach_flags || a.relative_fd || (a.expected_revision && !is_cgroup_type(type, true))) {
    return fail(EINVAL, "unknown attach_flags");
  }
  if (!type || type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_XDP || type == BPF_PROG_TYPE_SK_LOOKUP)
    return fail(EINVAL, "attach_type cannot be detached so");
  return machines_own(type);
}

long prog_query(Call& c) {
  if (!c.capable(contract::Capability::kNetAdmin)) return fail(EPERM, "for CAP_NET_ADMIN");
  OSMIA_CHECK_ATTR(c, query.revision);
  const auto& q = c.attr.query;
  if (q.query_flags & ~static_cast<u32>(BPF_F_QUERY_EFFECTIVE)) return fail(EINVAL, "unknown query_flags");
  const u32 type = prog_type_of_attach_type(q.attach_type);
  if (!type || type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_XDP || q.attach_type == BPF_LSM_MAC)
    return fail(EINVAL, "attach_type cannot be queried");
  return machines_own(type);
}

long token_create(Call& c) {
  OSMIA_CHECK_ATTR(c, token_create.bpffs_fd);
  return fail(EINVAL, "BPF tokens are not supported");
}

long enable_stats(Call& c) {
  OSMIA_CHECK_ATTR(c, enable_stats.type);
  if (!c.capable(contract::Capability::kSysAdmin)) return fail(EPERM, "statistics are for CAP_SYS_ADMIN");
  if (c.attr.enable_stats.type != BPF_STATS_RUN_TIME) return fail(EINVAL, "no such statistics");
  c.kernel.stats_users.fetch_add(1);
  Fd fd;
  fd.keep = std::shared_ptr<void>(
      &c.kernel, [](void* k) { static_cast<runtime::Kernel*>(k)->stats_users.fetch_sub(1); });
  return c.fds.install(std::move(fd));
}

}  // namespace osmia::syscall
