// The threads or processes that a task iterator goes over, ascending by number; of one process the first
// thread comes first. Who is there is looked at when reading begins, and again when it goes on after a pause
// and the list is no longer fresh: reading in small pieces must not look at everybody for each.
#pragma once
#include <algorithm>
#include <chrono>

#include "host/task.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime {

class TaskIds {
 public:
  // processes: only those (who shares a table of files or memory is one); else every thread.
  TaskIds(const IterScope& scope, bool processes) : scope_(scope), processes_(processes) {}

  void refresh() {
    constexpr std::chrono::milliseconds kFresh{200};
    const auto now = std::chrono::steady_clock::now();
    if (current_ && now - listed_ < kFresh) return;
    listed_ = now;
    ids_.clear();
    switch (scope_.tasks) {
      case IterScope::kThread: ids_ = {scope_.pid}; break;
      case IterScope::kProcess:
        if (processes_)
          ids_ = {scope_.pid};
        else
          ids_ = host::threads_of(scope_.pid);
        break;
      default:
        ids_ = host::all_processes();
        if (processes_) break;
        std::vector<u32> threads;
        for (const u32 p : ids_) {
          const auto of = host::threads_of(p);
          threads.insert(threads.end(), of.begin(), of.end());
        }
        std::sort(threads.begin(), threads.end());
        ids_ = std::move(threads);
    }
    const auto rank = [this](u32 id) {
      return scope_.tasks == IterScope::kProcess && id == scope_.pid ? 0 : id;
    };
    std::sort(ids_.begin(), ids_.end(), [&](u32 a, u32 b) { return rank(a) < rank(b); });
    at_ = 0;
    if (current_)
      while (at_ < ids_.size() && rank(ids_[at_]) < rank(current_)) at_++;
  }
  // The task at hand, or the next one that lives; null: there is no more.
  std::shared_ptr<host::Task> get(const btf::BtfPtr& types) {
    for (; at_ < ids_.size(); at_++) {
      auto task = host::task_of(types, ids_[at_]);
      if (!task) continue;
      // A process is asked for by the number of its first thread.
      if (scope_.tasks == IterScope::kProcess && task->tgid != scope_.pid) break;
      current_ = ids_[at_];
      return task;
    }
    at_ = ids_.size();
    return nullptr;
  }
  void advance() { at_++, current_++; }

 private:
  const IterScope scope_;
  const bool processes_;
  std::vector<u32> ids_;
  size_t at_ = 0;
  u32 current_ = 0;  // where refresh() comes back to
  std::chrono::steady_clock::time_point listed_;
};

}  // namespace osmia::runtime
