// One map type, added by this file alone.
#include "maps/map_type.h"

namespace osmia::maps {
namespace {
const MapTypeEntry kEntries[] = {{{.type = 1000, .name = "registry_test"}}};
}  // namespace

std::span<const MapTypeEntry> def_test_map() {
  return kEntries;
}

}  // namespace osmia::maps
