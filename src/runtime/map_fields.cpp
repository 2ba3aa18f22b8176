// The kernel's offsets come from its BTF, ours from any live map: every map type has struct bpf_map first, as
// every live map has its MapInfo at the same place.
#include "runtime/map_fields.h"

#include <iterator>
#include <limits>

#include "maps/map.h"

namespace osmia::runtime {
namespace {

// The distance is the same for every map; only the address of a map is needed to measure it.
class Probe final : public maps::Map {
 public:
  Probe() : Map(maps::MapAttr{}) {}
};
template <class T>
s64 distance(const maps::Map& m, const T& field) {
  return reinterpret_cast<const char*>(&field) - reinterpret_cast<const char*>(&m);
}

}  // namespace

rewrite::MapField map_field(const btf::Btf* vmlinux, u32 offset, u32 size) {
  using rewrite::MapField;
  static const Probe probe;
  const verifier::MapInfo& info = probe.info();
  const struct {
    std::string_view name;
    u32 bytes;
    s64 host;
  } known[] = {
      {"map_type", 4, distance(probe, info.type)},
      {"key_size", 4, distance(probe, info.key_size)},
      {"value_size", 4, distance(probe, info.value_size)},
      {"max_entries", 4, distance(probe, info.max_entries)},
      {"map_extra", 8, distance(probe, info.map_extra)},
      {"map_flags", 4, distance(probe, info.map_flags)},
      {"id", 4, distance(probe, info.id)},
  };
  MapField out;
  const u32 id = vmlinux ? vmlinux->find("bpf_map", btf::Kind::kStruct) : 0;
  if (!id) return out;
  for (const btf::Member& m : vmlinux->type(id).members()) {
    const auto bytes = vmlinux->size_of(m.type);
    if (!bytes.ok() || m.bitfield_size || m.name.empty()) continue;
    const u32 begin = m.bit_offset / 8;
    if (offset < begin || offset + size > begin + *bytes) continue;
    out.name = m.name;
    if (vmlinux->skip_modifiers(m.type).is(btf::Kind::kPtr)) out.kind = MapField::kPointer;
    for (const auto& k : known) {
      if (k.name != m.name || k.bytes != *bytes || k.host > std::numeric_limits<s16>::max() - 8) continue;
      out.kind = MapField::kHost;
      out.host_offset = static_cast<s16>(k.host + (offset - begin));
    }
    return out;
  }
  return out;
}

}  // namespace osmia::runtime
