// Links to structs of functions: a struct_ops map made with BPF_F_LINK is taken on by its subsystem when the
// link is made, and let go when the link is. Source: Linux 6.12, kernel/bpf/bpf_struct_ops.c (behaviour
// only).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "maps/struct_ops.h"
#include "syscall/link_type.h"

namespace osmia::syscall::links {
namespace {

using maps::StructOpsMap;
using maps::StructOpsMapPtr;

// The map, if it is whole and made to be linked; else null (EINVAL).
StructOpsMapPtr linkable(const maps::MapPtr& map) {
  auto ops = std::dynamic_pointer_cast<StructOpsMap>(map);
  return ops && ops->may_be_linked() ? ops : nullptr;
}

// Who polls the link waits for it to be detached: the reading end of a pipe, whose writing end then goes.
class HangUp {
 public:
  HangUp() {
    if (pipe2(ends_, O_CLOEXEC)) ends_[0] = ends_[1] = -1;
  }
  ~HangUp() {
    now();
    if (ends_[0] >= 0) close(ends_[0]);
  }
  HangUp(const HangUp&) = delete;
  HangUp& operator=(const HangUp&) = delete;
  int fd() const { return ends_[0]; }
  void now() {
    if (ends_[1] >= 0) close(std::exchange(ends_[1], -1));
  }

 private:
  int ends_[2];
};

class StructOpsLink final : public runtime::Link {
 public:
  explicit StructOpsLink(StructOpsMapPtr map)
      : Link(BPF_LINK_TYPE_STRUCT_OPS, "struct_ops", nullptr), map_(std::move(map)) {
    map_->hold();
  }
  ~StructOpsLink() override { detach(); }

  int detach() override {
    std::lock_guard lock(mutex_);
    if (!map_) return 0;
    map_->ops().withdraw(map_);
    map_->release();
    map_.reset();
    hang_up_.now();
    return 0;
  }

  bool attaches_map() const override { return true; }
  int update_map(maps::MapPtr with, const maps::MapPtr& replaces) override {
    const StructOpsMapPtr next = linkable(with);
    if (!next) return -EINVAL;
    if (!next->ops().code.may_replace) return -EOPNOTSUPP;
    std::lock_guard lock(mutex_);
    if (!map_) return -ENOLINK;
    if (replaces && replaces != map_) return -EPERM;
    if (&next->ops() != &map_->ops()) return -EINVAL;
    if (const int err = next->ops().replace(next, map_)) return err;
    next->hold();
    map_->release();
    map_ = next;
    return 0;
  }

  int fill_info(bpf_link_info& info) override {
    std::lock_guard lock(mutex_);
    info.struct_ops.map_id = map_ ? map_->info().id : 0;
    return 0;
  }
  void show(std::string& out) const override {
    std::lock_guard lock(mutex_);
    if (map_) out += fmt::format("map_id:\t{}\n", map_->info().id);
  }
  int poll_fd() const override { return hang_up_.fd(); }

 private:
  mutable std::mutex mutex_;
  StructOpsMapPtr map_;
  HangUp hang_up_;
};

Result<runtime::LinkPtr> create(LinkRequest& r) {
  int err;
  const maps::MapPtr map = get_map(static_cast<int>(r.call.attr.link_create.map_fd), &err);
  if (!map) return Error{-err, "map_fd is not a map"};
  StructOpsMapPtr ops = linkable(map);
  if (!ops)
    return Error{EINVAL, "map_fd: expected a struct_ops map made with BPF_F_LINK, with its element set"};
  if (const int e = ops->ops().enroll(ops))
    return Error{-e, "struct " + std::string(ops->ops().layout.def->name) + " is not taken on"};
  return runtime::LinkPtr(std::make_shared<StructOpsLink>(std::move(ops)));
}

const LinkType kTypes[] = {{
    .takes = [](const LinkRequest& r) { return !r.opened && r.attach_type == BPF_STRUCT_OPS; },
    .create = create,
}};

}  // namespace

std::span<const LinkType> def_struct_ops() {
  return kTypes;
}

}  // namespace osmia::syscall::links
