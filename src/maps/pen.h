// Where shared objects wait that a map has just let go of: a running program may still hold their address.
// They are dropped after a grace period, at once if nothing runs. Not thread-safe: under the map's own lock.
#pragma once
#include <memory>
#include <vector>

#include "host/grace.h"

namespace osmia::maps {

class Pen {
 public:
  using Dropped = std::vector<std::shared_ptr<void>>;
  // After the object was taken out of the map. What comes back may be destroyed now, outside of all locks.
  [[nodiscard]] Dropped put(std::shared_ptr<void> object) {
    Dropped out = ended();
    if (object) fresh_.push_back(std::move(object));
    if (!fresh_.empty() && waiting_.empty()) {
      waiting_.swap(fresh_);
      grace_.begin();
      Dropped more = ended();
      out.insert(out.end(), more.begin(), more.end());
    }
    return out;
  }
  [[nodiscard]] Dropped ended() {
    Dropped out;
    if (!waiting_.empty() && grace_.over()) out.swap(waiting_);
    return out;
  }

 private:
  Dropped fresh_, waiting_;
  host::Grace grace_;
};

}  // namespace osmia::maps
