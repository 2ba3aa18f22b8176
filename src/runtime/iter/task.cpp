// iter/task: every thread that this process can see, as struct task_struct.
#include "runtime/iter/task_ids.h"

namespace osmia::runtime::iter_targets {
namespace {

class TaskWalk final : public IterWalk {
 public:
  TaskWalk(btf::BtfPtr types, const IterScope& scope) : types_(std::move(types)), ids_(scope, false) {}
  int start(u64& index) override {
    ids_.refresh();
    task_ = ids_.get(types_);
    if (task_ && !index) index = 1;
    return task_ != nullptr;
  }
  int next(u64& index) override {
    index++;
    ids_.advance();
    task_ = ids_.get(types_);
    return task_ != nullptr;
  }
  void stop(bool) override { task_.reset(); }
  bool arguments(u64 (&args)[3]) override {
    args[0] = task_->address();
    return true;
  }

 private:
  const btf::BtfPtr types_;
  TaskIds ids_;
  std::shared_ptr<host::Task> task_;
};

Result<std::unique_ptr<IterWalk>> open(Kernel&, const btf::BtfPtr& types, const IterScope& scope) {
  return std::unique_ptr<IterWalk>(new TaskWalk(types, scope));
}

}  // namespace

constexpr IterTarget kTask{.name = "task", .needs = IterTarget::kTasks, .may_sleep = true, .open = open};

}  // namespace osmia::runtime::iter_targets
