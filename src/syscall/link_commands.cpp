// LINK_CREATE, LINK_UPDATE, LINK_DETACH, RAW_TRACEPOINT_OPEN: who asks, which link type answers. What
// attaching means is the type's (links/).
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "syscall/link_type.h"

namespace osmia::syscall {
namespace {

long create(LinkRequest& request) {
  for (const LinkType* type : links::registry()) {
    if (!type->takes(request)) continue;
    auto made = type->create(request);
    if (!made.ok()) return fail(made.error());
    const runtime::LinkPtr link = *std::move(made);
    link->id = request.call.kernel.links.add(link);
    Fd fd;
    fd.object = link;
    return request.call.fds.install(std::move(fd));
  }
  return fail(EINVAL, "no link attaches such a program");
}

}  // namespace

long link_create(Call& c) {
  OSMIA_CHECK_ATTR(c, link_create.uprobe_multi.pid);
  const auto& a = c.attr.link_create;
  LinkRequest request{c, nullptr, a.attach_type};
  if (a.attach_type != BPF_STRUCT_OPS) {
    int err;
    request.program = get_prog(static_cast<int>(a.prog_fd), &err);
    if (!request.program) return fail(-err, "prog_fd is not a program");
    if (const int e = check_attach_type(c, *request.program, a.attach_type))
      return fail(e, "attach_type does not fit the program");
  }
  return create(request);
}

long raw_tracepoint_open(Call& c) {
  OSMIA_CHECK_ATTR(c, raw_tracepoint.cookie);
  const auto& a = c.attr.raw_tracepoint;
  int err;
  auto program = get_prog(static_cast<int>(a.prog_fd), &err);
  if (!program) return fail(-err, "prog_fd is not a program");
  switch (program->desc.type) {
    case BPF_PROG_TYPE_TRACING:
    case BPF_PROG_TYPE_EXT:
    case BPF_PROG_TYPE_LSM:
      if (a.name)
        return fail(EINVAL, "this program type is attached where it was loaded for: expected no name");
      break;
    case BPF_PROG_TYPE_RAW_TRACEPOINT:
    case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: break;
    default: return fail(EINVAL, "only tracing, lsm, ext and raw tracepoint programs are opened so");
  }
  const u32 attach_type = program->desc.expected_attach_type;
  LinkRequest request{c, std::move(program), attach_type, a.cookie, true};
  return create(request);
}

long link_update(Call& c) {
  OSMIA_CHECK_ATTR(c, link_update.old_prog_fd);
  const auto& a = c.attr.link_update;
  if (a.flags & ~static_cast<u32>(BPF_F_REPLACE)) return fail(EINVAL, "unknown flags");
  const bool replaces = a.flags & BPF_F_REPLACE;
  int err;
  const auto link = get_link(static_cast<int>(a.link_fd), &err);
  if (!link) return fail(-err, "link_fd is not a link");
  if (link->attaches_map()) {
    auto with = get_map(static_cast<int>(a.new_map_fd), &err);
    if (!with) return fail(-err, "new_map_fd is not a map");
    maps::MapPtr old;
    if (replaces && !(old = get_map(static_cast<int>(a.old_map_fd), &err)))
      return fail(-err, "old_map_fd is not a map");
    if (!replaces && a.old_map_fd) return fail(EINVAL, "old_map_fd without BPF_F_REPLACE");
    return link->update_map(std::move(with), old);
  }
  auto with = get_prog(static_cast<int>(a.new_prog_fd), &err);
  if (!with) return fail(-err, "new_prog_fd is not a program");
  runtime::ProgramPtr old;
  if (replaces && !(old = get_prog(static_cast<int>(a.old_prog_fd), &err)))
    return fail(-err, "old_prog_fd is not a program");
  if (!replaces && a.old_prog_fd) return fail(EINVAL, "old_prog_fd without BPF_F_REPLACE");
  return link->update_program(std::move(with), old);
}

long link_detach(Call& c) {
  OSMIA_CHECK_ATTR(c, link_detach.link_fd);
  int err;
  const auto link = get_link(static_cast<int>(c.attr.link_detach.link_fd), &err);
  if (!link) return fail(-err, "link_fd is not a link");
  return link->detach();
}

long iter_create(Call& c) {
  OSMIA_CHECK_ATTR(c, iter_create.flags);
  if (c.attr.iter_create.flags) return fail(EINVAL, "unknown flags");
  int err;
  const auto link = get_link(static_cast<int>(c.attr.iter_create.link_fd), &err);
  if (!link) return fail(-err, "link_fd is not a link");
  return fail(EINVAL, "link_fd is not an iterator's link");
}

int put_name(u64 user, u32 room, std::string_view name) {
  const u64 n = std::min<u64>(name.size(), room - 1);
  if (copy_to_user(user, name.data(), n) || put_user(user + n, '\0')) return -EFAULT;
  return n < name.size() ? -ENOSPC : 0;
}

// TASK_FD_QUERY: only raw tracepoints answer, and only for descriptors of this process.
long task_fd_query(Call& c) {
  OSMIA_CHECK_ATTR(c, task_fd_query.probe_addr);
  if (!c.capable(contract::Capability::kSysAdmin)) return fail(EPERM, "for CAP_SYS_ADMIN");
  const auto q = c.attr.task_fd_query;
  if (q.flags) return fail(EINVAL, "unknown flags");
  if (q.pid != static_cast<u32>(getpid()) && kill(static_cast<pid_t>(q.pid), 0) && errno == ESRCH)
    return fail(ENOENT, "no such process");
  if (q.pid != static_cast<u32>(getpid()))
    return fail(EOPNOTSUPP, "not supported: descriptors of other processes");
  int err;
  const auto link = get_link(static_cast<int>(q.fd), &err);
  if (!link && err == -EBADF) return fail(EBADF, "fd is not open");
  const auto program = link ? link->program() : nullptr;
  if (!program || link->type != BPF_LINK_TYPE_RAW_TRACEPOINT)
    return fail(maps::kNotSupp, "fd is no raw tracepoint");
  std::string name;
  link->show(name);  // "tp_name:\t…\n"
  name = name.substr(name.find('\t') + 1);
  name.pop_back();
  using A = union bpf_attr;
  if (c.put(offsetof(A, task_fd_query.buf_len), static_cast<u32>(name.size()))) return -EFAULT;
  const int cut = q.buf && q.buf_len ? put_name(q.buf, q.buf_len, name) : 0;
  if (cut == -EFAULT || c.put(offsetof(A, task_fd_query.prog_id), program->id) ||
      c.put(offsetof(A, task_fd_query.fd_type), u32{BPF_FD_TYPE_RAW_TRACEPOINT}) ||
      c.put(offsetof(A, task_fd_query.probe_offset), u64{0}) ||
      c.put(offsetof(A, task_fd_query.probe_addr), u64{0}))
    return -EFAULT;
  return cut;
}

}  // namespace osmia::syscall
