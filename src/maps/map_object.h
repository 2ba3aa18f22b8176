// A live map as the kernel's struct bpf_map, for programs that are given one (iterators over maps). Its
// fields are as they were when it was made.
#pragma once
#include "host/kernel_object.h"
#include "maps/map.h"

namespace osmia::maps {

class MapObject final : public host::KernelObject {
 public:
  using KernelObject::KernelObject;
  std::weak_ptr<Map> map;
};

// Null if the types have no bpf_map. Programs may use it as long as it is held (host/held_object.h).
std::shared_ptr<MapObject> make_map_object(const btf::BtfPtr& types, const MapPtr& map);
// The map behind what a program has as a struct bpf_map: a MapObject, or the map itself (what a program's own
// maps are). Null: the map is gone.
MapPtr map_behind(u64 address);

}  // namespace osmia::maps
