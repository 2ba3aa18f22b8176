// hash_of_maps: a hash whose values are maps. The map objects hang beside the table, so that an inner map
// lives as long as its element, and until the programs that may have looked it up have ended.
#include <mutex>
#include <unordered_map>

#include "maps/checks.h"
#include "maps/hash_table.h"
#include "maps/map_type.h"
#include "maps/pen.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

class HashOfMaps final : public Map {
 public:
  HashOfMaps(const MapAttr& a, const Map& inner) : Map(a) { set_inner(inner); }
  Status init(const HashTable::Shape& shape) { return table_.init(shape); }
  void* lookup(const void* key) override {
    const u32 n = table_.find(key);
    return n == HashTable::kNone ? nullptr : map_of(n);
  }
  int lookup_user(const void* key, void* value, u64) override {
    std::lock_guard lock(mutex_);
    const Map* m = static_cast<const Map*>(lookup(key));
    if (!m) return -ENOENT;
    store_unaligned<u32>(value, m->info().id);
    return 0;
  }
  s64 update(const void*, const void*, u64) override { return -EOPNOTSUPP; }
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override {
    auto m = fds.map(load_unaligned<s32>(value));
    if (!m.ok()) return -m.error().code;
    if (!(*m)->meta_equal(*inner_info_)) return -EINVAL;
    if (flags > BPF_EXIST) return -EINVAL;
    Guard lock(*this);
    Map* raw = m->get();
    const auto fill = [&](u32 n) {
      __atomic_store_n(reinterpret_cast<u64*>(table_.value_of(n)), reinterpret_cast<u64>(raw),
                       __ATOMIC_RELEASE);
    };
    const s64 err = table_.update(key, flags, false, fill, fill, [this](u32 n) { let_go(n); });
    if (!err) held_.emplace(raw, *std::move(m));
    return static_cast<int>(err);
  }
  s64 erase(const void* key) override {
    Guard lock(*this);
    return table_.erase(
        key, [](u32) {}, [this](u32 n) { let_go(n); });
  }
  int next_key(const void* key, void* next) override { return table_.next_key(key, next); }
  s64 element_count() const override {
    return table_.each([](u32) { return false; });
  }
  bool may_be_inner() const override { return false; }
  u8 batches() const override { return kBucketBatch | kLookupBatch | kUpdateBatch | kDeleteBatch; }
  int bucket_batch(u32 bucket, u32 room, bool take, u64, std::vector<u8>& out) override {
    Guard lock(*this);
    return table_.visit_bucket(
        bucket, [&](u32 count) { return count <= room; },
        [&](u32 n) {
          const size_t at = out.size();
          out.resize(at + key_size() + 4);
          load_words(&out[at], table_.key_of(n), key_size());
          store_unaligned<u32>(&out[at + key_size()], map_of(n)->info().id);
          return take;
        },
        [this](u32 n) { let_go(n); });
  }

 private:
  // Maps that were dropped meanwhile are destroyed after the lock.
  class Guard {
   public:
    explicit Guard(HashOfMaps& m) : m_(m) { m_.mutex_.lock(); }
    ~Guard() {
      Pen::Dropped dropped;
      dropped.swap(m_.dropped_);
      m_.mutex_.unlock();
    }

   private:
    HashOfMaps& m_;
  };
  Map* map_of(u32 n) const {
    return reinterpret_cast<Map*>(
        __atomic_load_n(reinterpret_cast<const u64*>(table_.value_of(n)), __ATOMIC_ACQUIRE));
  }
  void let_go(u32 n) {  // under mutex_
    const auto it = held_.find(map_of(n));
    if (it == held_.end()) return;
    auto dropped = pen_.put(std::move(it->second));
    dropped_.insert(dropped_.end(), dropped.begin(), dropped.end());
    held_.erase(it);
  }
  HashTable table_;
  std::mutex mutex_;
  std::unordered_multimap<Map*, MapPtr> held_;
  Pen pen_;
  Pen::Dropped dropped_;  // to be destroyed after the lock
};

Status check(const MapAttr& a) {
  if (a.value_size != 4) return bad("hash_of_maps has 4-byte values");
  return check_hash(a);
}

Result<MapPtr> create(const MapAttr& a) {
  OSMIA_ASSIGN(MapPtr inner, inner_template(a));
  HashTable::Shape shape;
  shape.key_size = a.key_size;
  shape.value_bytes = 8;
  shape.max_entries = a.max_entries;
  auto map = std::make_shared<HashOfMaps>(a, *inner);
  OSMIA_TRY(map->init(shape));
  return MapPtr(std::move(map));
}

const u32 kLookup[] = {BPF_FUNC_map_lookup_elem};
const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_HASH_OF_MAPS,
             .name = "hash_of_maps",
             .btf_struct = "bpf_htab",
             .traits = MapTrait::kMapHoldsMaps | MapTrait::kMapSleepableOk | MapTrait::kMapPreallocCheck,
             .only_helpers = kLookup,
             .unprivileged = true},
     .check = check,
     .create = create,
     .check_btf = refuse_btf},
};

}  // namespace

std::span<const MapTypeEntry> def_hash_of_maps() {
  return kTypes;
}

}  // namespace osmia::maps
