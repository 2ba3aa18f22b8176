// lpm_trie: keys are prefixes (a length in bits, then the bytes), and a look-up finds the longest prefix of
// its key. See maps/prefix_trie.h.
#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/prefix_trie.h"

namespace osmia::maps {
namespace {

class LpmTrieMap final : public Map {
 public:
  explicit LpmTrieMap(const MapAttr& a) : Map(a) {
    info_.code.lookup = a.key_size <= 12   ? direct_lookup<1>
                        : a.key_size <= 20 ? direct_lookup<2>
                                           : direct_lookup<0>;
  }
  Status init(const MapAttr& a) { return trie_.init(a.key_size, a.value_size, a.max_entries); }
  void* lookup(const void* key) override { return trie_.find(key); }
  int lookup_user(const void* key, void* value, u64) override {
    return trie_.with_value(key, [&](void* v) { load_words(value, v, value_size()); }) ? 0 : -ENOENT;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    return flags > BPF_EXIST ? -EINVAL : trie_.update(key, value, flags);
  }
  s64 erase(const void* key) override { return trie_.erase(key); }
  int next_key(const void* key, void* next) override { return trie_.next_key(key, next); }
  u8 batches() const override { return kLookupBatch | kUpdateBatch | kDeleteBatch; }

 private:
  template <u32 W>
  static u64 direct_lookup(u64 map, u64 key, u64, u64, u64) {
    const auto& m = static_cast<const LpmTrieMap&>(*reinterpret_cast<Map*>(map));
    return reinterpret_cast<u64>(m.trie_.find_sized<W>(reinterpret_cast<const void*>(key)));
  }
  PrefixTrie trie_;
};

Status check(const MapAttr& a) {
  constexpr u64 kMaxValue = kKmallocMax - 260 - 40;
  if (!a.max_entries || !(a.map_flags & BPF_F_NO_PREALLOC) ||
      !only_flags(a, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | kAccessFlags) || !prog_access_ok(a.map_flags))
    return bad("lpm_trie: max_entries > 0 and map_flags BPF_F_NO_PREALLOC");
  if (a.key_size < 5 || a.key_size > 260) return bad("lpm_trie: key_size must be 5 to 260");
  if (!a.value_size || a.value_size > kMaxValue) return bad("lpm_trie: value_size out of range");
  return Ok{};
}
Result<MapPtr> create(const MapAttr& a) {
  auto map = std::make_shared<LpmTrieMap>(a);
  OSMIA_TRY(map->init(a));
  return MapPtr(std::move(map));
}

int check_struct_key(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return key.is(btf::Kind::kStruct) ? 0 : EINVAL;
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_LPM_TRIE, .name = "lpm_trie", .btf_struct = "lpm_trie"},
     .check = check,
     .create = create,
     .check_btf = check_struct_key,
     .capability = contract::Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_lpm_trie() {
  return kTypes;
}

}  // namespace osmia::maps
