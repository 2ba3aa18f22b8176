// One table of live objects by id, with Linux's id semantics: ids start at 1, go upwards, and are handed out
// again only after the numbers wrap. The table does not keep objects alive; one that is gone is as if it had
// never been there.
#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "base/types.h"

namespace osmia::runtime {

template <class T>
class IdTable {
 public:
  u32 add(const std::shared_ptr<T>& object) {
    std::lock_guard lock(mutex_);
    if (++added_ % 256 == 0)
      for (auto it = objects_.begin(); it != objects_.end();)
        it = it->second.expired() ? objects_.erase(it) : ++it;
    do next_ = next_ >= 0x7ffffffe ? 1 : next_ + 1;
    while (objects_.count(next_) && !objects_[next_].expired());
    objects_[next_] = object;
    return next_;
  }
  std::shared_ptr<T> find(u32 id) const {
    std::lock_guard lock(mutex_);
    const auto it = objects_.find(id);
    return it == objects_.end() ? nullptr : it->second.lock();
  }
  // The first live id above `id`, or 0.
  u32 next_after(u32 id) const {
    std::lock_guard lock(mutex_);
    for (auto it = objects_.upper_bound(id); it != objects_.end(); ++it)
      if (!it->second.expired()) return it->first;
    return 0;
  }

 private:
  mutable std::mutex mutex_;
  std::map<u32, std::weak_ptr<T>> objects_;
  u32 next_ = 0, added_ = 0;
};

}  // namespace osmia::runtime
