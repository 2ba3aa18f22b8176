// iter/cgroup: a control group, what is below or what is above it. A program that returns 1 ends the walk.
// One reading only: what does not fit in the file's buffer is not read later (-EOPNOTSUPP), as on Linux.
#include <linux/bpf.h>

#include <cerrno>

#include "host/cgroup.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime::iter_targets {
namespace {

class CgroupWalk final : public IterWalk {
 public:
  CgroupWalk(btf::BtfPtr types, std::shared_ptr<host::Cgroup> from, u32 order)
      : types_(std::move(types)), from_(std::move(from)), order_(order) {}
  int start(u64& index) override {
    if (index) return all_ ? 0 : -EOPNOTSUPP;
    index = 1;
    if (order_ == BPF_CGROUP_ITER_SELF_ONLY)
      ids_ = {from_->id()};
    else if (order_ == BPF_CGROUP_ITER_ANCESTORS_UP)
      ids_.assign(from_->line.rbegin(), from_->line.rend());
    else
      ids_ = host::cgroup_tree(from_->id(), order_ == BPF_CGROUP_ITER_DESCENDANTS_PRE);
    return !ids_.empty();
  }
  int next(u64& index) override {
    index++;
    return !ended_ && ++at_ < ids_.size();
  }
  void stop(bool over) override {
    if (over) all_ = true;
  }
  bool arguments(u64 (&args)[3]) override {
    group_ = host::cgroup_by_id(types_, ids_[at_]);
    args[0] = group_ ? group_->address() : 0;
    return group_ != nullptr;  // else it went meanwhile
  }
  int shown(u64 result) override {
    if (result) ended_ = true;
    return 0;
  }

 private:
  const btf::BtfPtr types_;
  const std::shared_ptr<host::Cgroup> from_;
  const u32 order_;
  std::vector<u64> ids_;
  size_t at_ = 0;
  bool ended_ = false, all_ = false;
  std::shared_ptr<host::Cgroup> group_;
};

Result<std::unique_ptr<IterWalk>> open(Kernel&, const btf::BtfPtr& types, const IterScope& scope) {
  auto group = host::cgroup_by_id(types, scope.cgroup);
  if (!group) return Error{ENOENT, "the control group has gone"};
  return std::unique_ptr<IterWalk>(new CgroupWalk(types, std::move(group), scope.cgroup_order));
}

}  // namespace

constexpr IterTarget kCgroup{.name = "cgroup", .needs = IterTarget::kCgroup, .may_sleep = true, .open = open};

}  // namespace osmia::runtime::iter_targets
