// Links of iterators (BPF_TRACE_ITER): the program, and which objects it is to see. Nothing runs before
// somebody reads. Source: Linux 6.12, kernel/bpf/bpf_iter.c and the targets' attach functions (behaviour
// only).
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cstdlib>
#include <cstring>

#include "host/cgroup.h"
#include "host/proc_file.h"
#include "syscall/iter_link.h"
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

using runtime::IterScope;
using runtime::IterTarget;

class IterLink final : public runtime::Link {
 public:
  IterLink(runtime::Kernel& kernel, runtime::ProgramPtr program, const IterTarget& target, IterScope scope)
      : Link(BPF_LINK_TYPE_ITER, "iter", std::move(program)),
        kernel_(kernel),
        target_(target),
        scope_(std::move(scope)) {
    if (scope_.map) scope_.map->user_ref();
  }
  ~IterLink() override {
    if (scope_.map) scope_.map->user_unref();
  }

  Result<std::shared_ptr<runtime::IterFile>> open() const {
    return runtime::IterFile::open(kernel_, program(), target_, scope_);
  }
  int update_program(runtime::ProgramPtr with, const runtime::ProgramPtr& replaces) override {
    const auto now = program();
    if (replaces && replaces != now) return -EPERM;
    if (with->desc.type != now->desc.type ||
        with->desc.expected_attach_type != now->desc.expected_attach_type ||
        with->desc.attach.btf_id != now->desc.attach.btf_id)
      return -EINVAL;
    // Linux compares neither how far the new program reaches into a map nor whether it sleeps.
    if (scope_.map && target_.check_map && !target_.check_map(*with, *scope_.map).ok()) return -EACCES;
    set_program(std::move(with));
    return 0;
  }
  int fill_info(bpf_link_info& info) override {
    auto& iter = info.iter;
    if (!iter.target_name != !iter.target_name_len) return -EINVAL;
    const u64 user = iter.target_name;
    const u32 room = iter.target_name_len;
    iter.target_name_len = static_cast<u32>(target_.name.size() + 1);
    if (user)
      if (const int e = put_name(user, room, target_.name)) return e;
    switch (target_.needs) {
      case IterTarget::kMap: iter.map.map_id = scope_.map->info().id; break;
      case IterTarget::kCgroup:
        iter.cgroup.cgroup_id = scope_.cgroup;
        iter.cgroup.order = scope_.cgroup_order;
        break;
      case IterTarget::kTasks:
        if (scope_.tasks == IterScope::kThread) iter.task.tid = scope_.pid;
        if (scope_.tasks == IterScope::kProcess) iter.task.pid = scope_.pid;
        break;
      case IterTarget::kNothing: break;
    }
    return 0;
  }
  void show(std::string& out) const override {
    out += fmt::format("target_name:\t{}\n", target_.name);
    switch (target_.needs) {
      case IterTarget::kMap: out += fmt::format("map_id:\t{}\n", scope_.map->info().id); break;
      case IterTarget::kCgroup: {
        static const char* const orders[] = {"", "self_only", "descendants_pre", "descendants_post",
                                             "ancestors_up"};
        std::string path;
        if (const auto group = host::cgroup_by_id(kernel_.catalog().vmlinux, scope_.cgroup))
          for (size_t i = 1; i < group->line.size(); i++)
            if (const auto on_the_way = host::cgroup_by_id(kernel_.catalog().vmlinux, group->line[i]))
              path += "/" + on_the_way->name;
        out += fmt::format("cgroup_path:\t{}\norder: {}\n", path.empty() ? "/" : path,
                           orders[scope_.cgroup_order]);
        break;
      }
      case IterTarget::kTasks:
        if (scope_.tasks == IterScope::kAllTasks) out += "task_type:\tALL\n";
        if (scope_.tasks == IterScope::kThread) out += fmt::format("task_type:\tTID\ntid:\t{}\n", scope_.pid);
        if (scope_.tasks == IterScope::kProcess)
          out += fmt::format("task_type:\tPID\npid:\t{}\n", scope_.pid);
        break;
      case IterTarget::kNothing: break;
    }
  }

 private:
  runtime::Kernel& kernel_;
  const IterTarget& target_;
  const IterScope scope_;
};

// The process behind a pidfd; 0: it has ended. Errors: EBADF.
Result<u32> process_of(u32 fd) {
  const std::string info = host::read_file("/proc/self/fdinfo/" + std::to_string(fd));
  const size_t line = info.find("\nPid:");
  if (line == info.npos) return Error{EBADF, "pid_fd is not a pidfd"};
  const long pid = std::strtol(info.c_str() + line + 5, nullptr, 10);
  return pid > 0 ? static_cast<u32>(pid) : 0u;
}

Result<u64> cgroup_of(const btf::BtfPtr& types, u32 fd, u64 id) {
  if (fd) {
    struct stat st {};
    struct statfs fs {};
    if (fstat(static_cast<int>(fd), &st) || fstatfs(static_cast<int>(fd), &fs) ||
        (fs.f_type != CGROUP2_SUPER_MAGIC && fs.f_type != CGROUP_SUPER_MAGIC))
      return Error{EBADF, "cgroup_fd is no control group"};
    return st.st_ino;
  }
  if (!id) return host::own_cgroup_line().front();
  if (!host::cgroup_by_id(types, id)) return Error{ENOENT, "no control group has this cgroup_id"};
  return id;
}

Result<IterScope> scope_of(const LinkRequest& r, const IterTarget& target,
                           const union bpf_iter_link_info& info) {
  IterScope scope;
  scope.object_of_fd = [](int fd) { return FdTable::instance().get(fd).object; };
  switch (target.needs) {
    case IterTarget::kNothing: break;
    case IterTarget::kMap: {
      if (!info.map.map_fd) return Error{EBADF, "iter_info names no map"};
      int err;
      scope.map = get_map(static_cast<int>(info.map.map_fd), &err);
      if (!scope.map) return Error{-err, "map_fd is not a map"};
      if (target.check_map) {
        OSMIA_TRY(target.check_map(*r.program, *scope.map));
      }
      break;
    }
    case IterTarget::kTasks: {
      const auto& t = info.task;
      if (!!t.tid + !!t.pid + !!t.pid_fd > 1) return Error{EINVAL, "more than one of tid, pid and pid_fd"};
      if (t.tid) scope.tasks = IterScope::kThread, scope.pid = t.tid;
      if (t.pid) scope.tasks = IterScope::kProcess, scope.pid = t.pid;
      if (t.pid_fd) {
        scope.tasks = IterScope::kProcess;
        OSMIA_ASSIGN(scope.pid, process_of(t.pid_fd));
      }
      break;
    }
    case IterTarget::kCgroup: {
      const auto& c = info.cgroup;
      if (c.order < BPF_CGROUP_ITER_SELF_ONLY || c.order > BPF_CGROUP_ITER_ANCESTORS_UP)
        return Error{EINVAL, "unknown order of control groups"};
      if (c.cgroup_fd && c.cgroup_id) return Error{EINVAL, "both cgroup_fd and cgroup_id"};
      scope.cgroup_order = c.order;
      OSMIA_ASSIGN(scope.cgroup, cgroup_of(r.call.kernel.catalog().vmlinux, c.cgroup_fd, c.cgroup_id));
      break;
    }
  }
  return scope;
}

Result<runtime::LinkPtr> create(LinkRequest& r) {
  constexpr u32 kSleepable = BPF_F_SLEEPABLE;
  const auto& a = r.call.attr.link_create;
  if (a.target_fd || a.flags) return Error{EINVAL, "target_fd and flags must be 0"};
  if (!a.iter_info != !a.iter_info_len) return Error{EINVAL, "iter_info and iter_info_len do not fit"};
  union bpf_iter_link_info info {};
  if (a.iter_info) {
    if (const int e = check_tail_zero(a.iter_info, sizeof info, a.iter_info_len))
      return Error{-e, "iter_info is longer than this version knows, and not zero there"};
    if (copy_from_user(&info, a.iter_info, std::min<u32>(a.iter_info_len, sizeof info)))
      return Error{EFAULT, "iter_info cannot be read"};
  }
  const IterTarget* target = runtime::iter_target(*r.program);
  if (!target) return Error{ENOENT, "no iterator of this name"};
  if (r.program->desc.prog_flags & kSleepable && !target->may_sleep)
    return Error{EINVAL, fmt::format("iter/{} takes no sleepable programs", target->name)};
  OSMIA_ASSIGN(IterScope scope, scope_of(r, *target, info));
  return runtime::LinkPtr(std::make_shared<IterLink>(r.call.kernel, r.program, *target, std::move(scope)));
}

const LinkType kTypes[] = {{
    .takes =
        [](const LinkRequest& r) {
          return !r.opened && r.prog_type() == BPF_PROG_TYPE_TRACING && r.attach_type == BPF_TRACE_ITER &&
                 r.program->desc.expected_attach_type == BPF_TRACE_ITER;
        },
    .create = create,
}};

}  // namespace

std::span<const LinkType> def_iter() {
  return kTypes;
}

}  // namespace osmia::syscall::links

namespace osmia::syscall {

Result<std::shared_ptr<runtime::IterFile>> open_iterator(const runtime::Link& link) {
  const auto* iter = dynamic_cast<const links::IterLink*>(&link);
  if (!iter) return Error{EINVAL, "not an iterator's link"};
  return iter->open();
}

}  // namespace osmia::syscall
