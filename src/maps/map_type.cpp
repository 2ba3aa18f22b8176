// Finding a type, making a map of it, and the maps that exist for the verifier only.
#include "maps/map_type.h"

#include "maps/checks.h"
#include "maps/region.h"

namespace osmia::maps {
namespace {

class InertMap final : public Map {
 public:
  using Map::Map;
  int lookup_user(const void*, void*, u64) override { return -EOPNOTSUPP; }
};

}  // namespace

u64 machine_memory_slots() {
  return machine_memory() / 16;
}

Result<MapPtr> create_inert(const MapAttr& a) {
  return MapPtr(std::make_shared<InertMap>(a));
}

const MapTypeEntry* find_type(u32 type) {
  static const auto table = [] {
    std::vector<const MapTypeEntry*> t;
    for (const MapTypeEntry* e : registry()) {
      if (e->def.type >= 4096) continue;
      if (t.size() <= e->def.type) t.resize(e->def.type + 1);
      if (!t[e->def.type]) t[e->def.type] = e;
    }
    return t;
  }();
  return type < table.size() ? table[type] : nullptr;
}

Result<MapPtr> create_map(MapAttr attr) {
  const MapTypeEntry* e = find_type(attr.type);
  if (!e) return Error{EINVAL, "no such map type: " + std::to_string(attr.type)};
  attr.def = &e->def;
  if (e->check) OSMIA_TRY(e->check(attr));
  return e->create(attr);
}

int refuse_btf(const Map&, const btf::Btf&, btf::TypeView, btf::TypeView) {
  return kNotSupp;
}

}  // namespace osmia::maps
