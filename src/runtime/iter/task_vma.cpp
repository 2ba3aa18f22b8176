// iter/task_vma: the memory areas of every process that this one may look into, as struct vm_area_struct.
// Areas are listed once for each process, and again when reading goes on after a pause: from the first that
// was not shown.
#include "host/held_object.h"
#include "host/memory_area.h"
#include "runtime/iter/task_ids.h"

namespace osmia::runtime::iter_targets {
namespace {

class AreaWalk final : public IterWalk {
 public:
  AreaWalk(btf::BtfPtr types, const IterScope& scope) : types_(std::move(types)), ids_(scope, true) {}
  int start(u64& index) override {
    ids_.refresh();
    task_ = nullptr;
    const int r = find(true);
    if (r && !index) index = 1;
    return r;
  }
  int next(u64& index) override {
    index++;
    at_++;
    return find(false);
  }
  void stop(bool) override {
    shown_ = {};
    areas_.clear();
    task_.reset();
  }
  bool arguments(u64 (&args)[3]) override {
    u64 mm = 0;
    if (const auto place = task_->memory.find("mm"); place && place->size == 8)
      mm = *reinterpret_cast<const u64*>(task_->memory.bytes() + place->offset);
    shown_ = host::HeldObject(types_, host::make_area(types_, areas_[at_], mm));
    args[0] = task_->address();
    args[1] = shown_.address();
    return true;
  }

 private:
  int find(bool resumed) {
    shown_ = {};
    for (;;) {
      if (task_ && at_ < areas_.size()) {
        from_ = areas_[at_].start;
        return 1;
      }
      if (task_) ids_.advance();
      task_ = ids_.get(types_);
      if (!task_) return 0;
      const bool same = resumed && task_->tid() == paused_in_;
      areas_ = host::memory_areas(task_->tid());
      at_ = 0;
      while (same && at_ < areas_.size() && areas_[at_].end <= from_) at_++;
      paused_in_ = task_->tid();
      resumed = false;
    }
  }
  const btf::BtfPtr types_;
  TaskIds ids_;
  std::shared_ptr<host::Task> task_;
  std::vector<host::AreaInfo> areas_;
  size_t at_ = 0;
  u64 from_ = 0;       // where the area at hand begins
  u32 paused_in_ = 0;  // the task of it
  host::HeldObject shown_;
};

Result<std::unique_ptr<IterWalk>> open(Kernel&, const btf::BtfPtr& types, const IterScope& scope) {
  return std::unique_ptr<IterWalk>(new AreaWalk(types, scope));
}

}  // namespace

constexpr IterTarget kTaskVma{
    .name = "task_vma", .needs = IterTarget::kTasks, .may_sleep = true, .open = open};

}  // namespace osmia::runtime::iter_targets
