// iter/task_file: the open descriptors of every process that this one may look into, as struct file. Those of
// this process that are BPF objects look as the kernel's do: f_op is that of maps, programs, links or BTF
// (the symbols bpf_map_fops …), private_data the object.
#include "host/file_object.h"
#include "host/held_object.h"
#include "maps/map_object.h"
#include "runtime/iter/kernel_view.h"
#include "runtime/iter/task_ids.h"
#include "runtime/symbols.h"

namespace osmia::runtime::iter_targets {
namespace {

class FileWalk final : public IterWalk {
 public:
  FileWalk(btf::BtfPtr types, const IterScope& scope)
      : types_(std::move(types)), object_of_fd_(scope.object_of_fd), ids_(scope, true) {}
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
  void stop(bool over) override {
    shown_ = {};
    fds_.clear();
    task_.reset();
    if (over) fd_ = 0;
  }
  bool arguments(u64 (&args)[3]) override {
    args[0] = task_->address();
    args[1] = fd_;
    args[2] = shown_.address();
    return true;
  }
  void at_end(u64 (&args)[3]) const override { args[1] = fd_; }

 private:
  int find(bool resumed) {
    shown_ = {};
    for (;;) {
      for (; task_ && at_ < fds_.size(); at_++)
        if (take(fds_[at_])) return 1;
      if (task_) ids_.advance();
      task_ = ids_.get(types_);
      if (!task_) return 0;
      const u32 from = resumed && task_->tid() == paused_in_ ? fd_ : 0;
      fds_ = host::descriptors_of(task_->tid());
      at_ = 0;
      while (at_ < fds_.size() && fds_[at_] < from) at_++;
      paused_in_ = task_->tid();
      resumed = false;
    }
  }
  bool take(u32 fd) {
    host::FileInfo info;
    if (!host::file_of(task_->tid(), fd, info)) return false;
    const Object object =
        object_of_fd_ && task_->tgid == host::own_tgid() ? object_of_fd_(static_cast<int>(fd)) : Object{};
    if (object.index()) info.path = file_name(object);
    auto file = host::make_file(types_, info);
    if (!file) return false;
    if (object.index()) dress(*file, object);
    fd_ = fd;
    shown_ = host::HeldObject(types_, std::move(file));
    return true;
  }
  static const char* file_name(const Object& o) {
    static const char* const names[] = {"", "anon_inode:bpf-map", "anon_inode:bpf-prog", "anon_inode:btf",
                                        "anon_inode:bpf_link"};
    return names[o.index()];
  }
  void dress(host::FileObject& file, const Object& o) const {
    static const char* const tables[] = {"", "bpf_map_fops", "bpf_prog_fops", "btf_fops", "bpf_link_fops"};
    file.memory.set("f_op", data_symbol(tables[o.index()]));
    host::ObjectPtr shown;
    if (const auto* m = std::get_if<maps::MapPtr>(&o)) shown = maps::make_map_object(types_, *m);
    if (const auto* p = std::get_if<ProgramPtr>(&o)) shown = make_program_object(types_, *p);
    if (const auto* b = std::get_if<BtfObjectPtr>(&o)) shown = make_btf_object(types_, **b);
    if (const auto* l = std::get_if<LinkPtr>(&o)) shown = make_link_object(types_, *l);
    if (!shown) return;
    file.memory.set("private_data", shown->address());
    file.others.push_back(std::move(shown));
  }

  const btf::BtfPtr types_;
  Object (*const object_of_fd_)(int fd);
  TaskIds ids_;
  std::shared_ptr<host::Task> task_;
  std::vector<u32> fds_;
  size_t at_ = 0;
  u32 fd_ = 0;
  u32 paused_in_ = 0;  // the task of fd_
  host::HeldObject shown_;
};

Result<std::unique_ptr<IterWalk>> open(Kernel&, const btf::BtfPtr& types, const IterScope& scope) {
  return std::unique_ptr<IterWalk>(new FileWalk(types, scope));
}

}  // namespace

constexpr IterTarget kTaskFile{
    .name = "task_file", .needs = IterTarget::kTasks, .may_sleep = true, .open = open};

}  // namespace osmia::runtime::iter_targets
