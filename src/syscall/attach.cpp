// Links, attaching, iterators, tokens and statistics. Nothing attaches yet: the arguments are checked as far
// as Linux's first checks go, and the rest answers -EOPNOTSUPP.
#include "syscall/call.h"

namespace osmia::syscall {

long link_create(Call& c) {
  OSMIA_CHECK_ATTR(c, link_create.uprobe_multi.pid);
  if (c.attr.link_create.attach_type == BPF_STRUCT_OPS)
    return fail(EOPNOTSUPP, "not supported yet: struct_ops links");
  int err;
  if (!get_prog(static_cast<int>(c.attr.link_create.prog_fd), &err))
    return fail(-err, "prog_fd is not a program");
  return fail(EOPNOTSUPP, "not supported yet: attaching programs");
}

long link_command(Call& c) {
  const size_t end = c.cmd == BPF_LINK_UPDATE   ? OSMIA_ATTR_END(link_update.old_prog_fd)
                     : c.cmd == BPF_LINK_DETACH ? OSMIA_ATTR_END(link_detach.link_fd)
                                                : OSMIA_ATTR_END(iter_create.flags);
  if (!rest_is_zero(c.attr, end)) return fail(EINVAL, "attributes of another command are not zero");
  if (c.cmd == BPF_LINK_UPDATE && c.attr.link_update.flags & ~static_cast<u32>(BPF_F_REPLACE))
    return fail(EINVAL, "unknown flags");
  if (c.cmd == BPF_ITER_CREATE && c.attr.iter_create.flags) return fail(EINVAL, "unknown flags");
  const int fd = static_cast<int>(c.attr.link_update.link_fd);  // the first field of all three
  Fd f = c.fds.get(fd);
  if (std::holds_alternative<std::shared_ptr<runtime::Link>>(f.object))
    return fail(EOPNOTSUPP, "not supported yet: links");
  return f.object.index() || FdTable::is_open(fd) ? fail(EINVAL, "not a link")
                                                  : fail(EBADF, "link_fd is not open");
}

long attach_command(Call& c) {
  if (c.cmd == BPF_RAW_TRACEPOINT_OPEN) {
    int err;
    if (!rest_is_zero(c.attr, OSMIA_ATTR_END(raw_tracepoint.cookie)))
      return fail(EINVAL, "attributes of another command are not zero");
    if (!get_prog(static_cast<int>(c.attr.raw_tracepoint.prog_fd), &err))
      return fail(-err, "prog_fd is not a program");
  }
  return fail(EOPNOTSUPP, "not supported yet: attaching programs");
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
