// The programs at one attach point, in the order in which they run. Invariant: whoever walks a list sees it
// as it was when the walk began, and keeps its programs alive; an attach point without programs costs one
// load.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "runtime/program.h"

namespace osmia::runtime {

struct Attachment {
  ProgramPtr program;
  u64 cookie = 0;
  const void* owner = nullptr;  // the link; what it is taken out by
};

class Attachments {
 public:
  using List = std::vector<Attachment>;

  bool empty() const { return !any_.load(std::memory_order_acquire); }
  // Null: nothing is attached.
  std::shared_ptr<const List> get() const {
    if (empty()) return nullptr;
    std::lock_guard lock(mutex_);
    return list_;
  }
  void add(Attachment one, bool first = false) {
    change([&](List& l) { l.insert(first ? l.begin() : l.end(), std::move(one)); });
  }
  void remove(const void* owner) {
    change([&](List& l) { std::erase_if(l, [&](const Attachment& a) { return a.owner == owner; }); });
  }
  size_t size() const {
    const auto l = get();
    return l ? l->size() : 0;
  }
  bool has(const Program& p) const {
    if (const auto l = get())
      for (const Attachment& a : *l)
        if (a.program.get() == &p) return true;
    return false;
  }

 private:
  template <class Fn>
  void change(Fn fn) {
    std::shared_ptr<const List> old;  // its programs go outside the lock
    std::lock_guard lock(mutex_);
    auto made = std::make_shared<List>(list_ ? *list_ : List{});
    fn(*made);
    old = std::exchange(list_, std::move(made));
    any_.store(!list_->empty(), std::memory_order_release);
  }
  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_;
  std::atomic<bool> any_{false};
};

}  // namespace osmia::runtime
