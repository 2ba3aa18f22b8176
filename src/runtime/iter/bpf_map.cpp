// iter/bpf_map: every map of the Kernel, as struct bpf_map.
#include "maps/map_object.h"
#include "runtime/iter/id_walk.h"

namespace osmia::runtime::iter_targets {
namespace {

Result<std::unique_ptr<IterWalk>> open(Kernel& kernel, const btf::BtfPtr& types, const IterScope&) {
  return std::unique_ptr<IterWalk>(new IdWalk<maps::Map>(
      kernel.maps, types, [](const btf::BtfPtr& t, const maps::MapPtr& m) -> host::ObjectPtr {
        return maps::make_map_object(t, m);
      }));
}

}  // namespace

constexpr IterTarget kBpfMap{.name = "bpf_map", .open = open};

}  // namespace osmia::runtime::iter_targets
