// bloom_filter: values without keys; peeking answers "maybe there" (0) or "certainly not" (-ENOENT). Bits are
// only ever set, so nobody takes a lock.
#include <bit>
#include <random>

#include "base/bits.h"
#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/region.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

class BloomFilterMap final : public Map {
 public:
  BloomFilterMap(const MapAttr& a, Region bits, u64 mask, u32 hashes)
      : Map(a), bits_(std::move(bits)), mask_(mask), hashes_(hashes) {
    if (!(a.map_flags & BPF_F_ZERO_SEED)) seed_ = u64{std::random_device{}()} << 32 | std::random_device{}();
    info_.code.push = [](u64 map, u64 value, u64 flags, u64, u64) -> u64 {
      return static_cast<u64>(of(map).BloomFilterMap::push(reinterpret_cast<const void*>(value), flags));
    };
    info_.code.peek = [](u64 map, u64 value, u64, u64, u64) -> u64 {
      return static_cast<u64>(of(map).BloomFilterMap::peek(reinterpret_cast<void*>(value)));
    };
  }
  s64 push(const void* value, u64 flags) override {
    if (flags != BPF_ANY) return -EINVAL;
    const Positions p = positions(value);
    for (u32 i = 0; i < hashes_; i++) {
      const u64 at = p.at(i) & mask_, bit = 1ull << at % 64;
      if (!(word(at).load(std::memory_order_relaxed) & bit))
        word(at).fetch_or(bit, std::memory_order_relaxed);
    }
    return 0;
  }
  s64 peek(void* value) override {
    const Positions p = positions(value);
    for (u32 i = 0; i < hashes_; i++) {
      const u64 at = p.at(i) & mask_;
      if (!(word(at).load(std::memory_order_relaxed) >> at % 64 & 1)) return -ENOENT;
    }
    return 0;
  }
  s64 update(const void*, const void*, u64) override { return -EINVAL; }
  int lookup_user(const void*, void* value, u64) override { return static_cast<int>(peek(value)); }
  int update_user(const void*, const void* value, u64 flags, Descriptors&) override {
    return static_cast<int>(push(value, flags));
  }

 private:
  // The positions of one value: two hashes make as many as are wanted.
  struct Positions {
    u64 first, step;
    u64 at(u32 i) const { return (first + i * step) >> 8; }
  };
  static u64 mix(u64 a, u64 b) {
    __extension__ using u128 = unsigned __int128;
    const u128 p = static_cast<u128>(a) * b;
    return static_cast<u64>(p) ^ static_cast<u64>(p >> 64);
  }
  static BloomFilterMap& of(u64 map) { return static_cast<BloomFilterMap&>(*reinterpret_cast<Map*>(map)); }
  Positions positions(const void* value) const {
    constexpr u64 kOdd1 = 0x9e3779b97f4a7c15ull, kOdd2 = 0xd1b54a32d192ed03ull;
    const u8* v = static_cast<const u8*>(value);
    u64 h = seed_ ^ kOdd2;
    u32 n = value_size();
    for (; n >= 8; n -= 8, v += 8) h = mix(h ^ load_unaligned<u64>(v), kOdd1);
    if (n) {
      u64 tail = 0;
      std::memcpy(&tail, v, n);
      h = mix(h ^ tail, kOdd2);
    }
    return {mix(h, kOdd1), mix(h ^ kOdd1, kOdd2) | 256};
  }
  std::atomic<u64>& word(u64 bit) const {
    return reinterpret_cast<std::atomic<u64>*>(bits_.data())[bit / 64];
  }
  Region bits_;
  u64 mask_, seed_ = 0;
  u32 hashes_;
};

Status check(const MapAttr& a) {
  if (a.value_size > kKmallocMax) return Error{E2BIG, "bloom_filter: value_size above 4 MiB"};
  if (a.key_size || !a.value_size || !a.max_entries) return bad("bloom_filter has values and no keys");
  if (!only_flags(a, BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | kAccessFlags) || !prog_access_ok(a.map_flags))
    return bad("bloom_filter: unknown map_flags");
  if (a.map_extra & ~0xfull)
    return bad("bloom_filter: map_extra is the number of hash functions, at most 15");
  return Ok{};
}

// As many bits as make false answers rarest: entries * hashes / ln 2, a power of two.
Result<MapPtr> create(const MapAttr& a) {
  const u32 hashes = a.map_extra ? static_cast<u32>(a.map_extra) : 5;
  const u64 wanted = u64{a.max_entries} * hashes / 5 * 7;
  const u64 bits = wanted > 1ull << 31 ? 1ull << 32 : std::bit_ceil(std::max<u64>(wanted, 64));
  OSMIA_ASSIGN(Region r, Region::make(bits / 8, false, true));
  return MapPtr(std::make_shared<BloomFilterMap>(a, std::move(r), bits - 1, hashes));
}

int check_btf(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return key.is(btf::Kind::kVoid) ? 0 : EINVAL;
}

const u32 kHelpers[] = {BPF_FUNC_map_peek_elem, BPF_FUNC_map_push_elem};
const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_BLOOM_FILTER,
             .name = "bloom_filter",
             .btf_struct = "bpf_bloom_filter",
             .traits = MapTrait::kMapKeyless,
             .only_helpers = kHelpers},
     .check = check,
     .create = create,
     .check_btf = check_btf,
     .capability = contract::Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_bloom_filter() {
  return kTypes;
}

}  // namespace osmia::maps
