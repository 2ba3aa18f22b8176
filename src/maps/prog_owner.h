// Which programs may meet in one map: the first that uses the map, or is put in it, decides. A tail call
// keeps the context and the control-group storage, and a driver keeps the packet's layout, so what the second
// program relies on must be what the first had.
// Source: Linux 6.12, bpf_prog_map_compatible (behaviour only).
#pragma once
#include <mutex>
#include <utility>

#include "maps/map.h"

namespace osmia::maps {

class ProgOwner {
 public:
  // Does the program fit those that were asked about before? jumps: programs there go on in one another.
  bool admit(const ProgObject& p, bool jumps);

 private:
  std::mutex mutex_;
  bool set_ = false;
  u32 type_ = 0, attach_ = 0;
  bool frags_ = false;
  u32 storage_[2] = {};
  std::pair<u64, u32> target_;
};

}  // namespace osmia::maps
