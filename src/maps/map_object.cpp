// Set field by field: a map is shown to an iterator once each time it is read.
#include "maps/map_object.h"

namespace osmia::maps {

std::shared_ptr<MapObject> make_map_object(const btf::BtfPtr& types, const MapPtr& map) {
  if (!types) return nullptr;
  auto memory = host::KernelStruct::make(*types, "bpf_map");
  if (!memory.ok()) return nullptr;
  auto object = std::make_shared<MapObject>(host::ObjectKind::kOther, host::ObjectKey{}, std::move(*memory));
  object->map = map;
  host::KernelStruct& m = object->memory;
  const verifier::MapInfo& i = map->info();
  m.set("id", i.id);
  m.set("map_type", i.type);
  m.set("key_size", i.key_size);
  m.set("value_size", i.value_size);
  m.set("max_entries", i.max_entries);
  m.set("map_flags", i.map_flags);
  m.set("map_extra", i.map_extra);
  m.set("btf_key_type_id", i.btf_key_type_id);
  m.set("btf_value_type_id", i.btf_value_type_id);
  m.set("btf_vmlinux_value_type_id", map->btf_vmlinux_value_type_id);
  m.set("frozen", i.frozen);
  m.set("refcnt.counter", static_cast<u64>(map.use_count()));
  m.set("usercnt.counter", map->user_refs());
  m.set_text("name", i.name);
  return object;
}

MapPtr map_behind(u64 address) {
  if (!address) return nullptr;
  if (const auto object = host::object_at(address)) {
    const auto* mirror = dynamic_cast<const MapObject*>(object.get());
    return mirror ? mirror->map.lock() : nullptr;
  }
  return reinterpret_cast<Map*>(address)->shared_from_this();
}

}  // namespace osmia::maps
