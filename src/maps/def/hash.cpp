// hash, percpu_hash, lru_hash, lru_percpu_hash. An update of a plain hash puts a new element in place of the
// old one, so that a program which holds the old value's address goes on seeing it, as on Linux; per-CPU
// values change in place.
#include "host/run_context.h"
#include "maps/checks.h"
#include "maps/hash_table.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

bool is_percpu(u32 type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}
bool is_lru(u32 type) {
  return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

class HashBase : public Map {
 public:
  HashBase(const MapAttr& a) : Map(a), lru_(is_lru(a.type)) {
    info_.code.erase = [](u64 map, u64 key, u64, u64, u64) -> u64 {
      return static_cast<u64>(
          static_cast<HashBase*>(reinterpret_cast<Map*>(map))->HashBase::erase(reinterpret_cast<void*>(key)));
    };
  }
  int next_key(const void* key, void* next) override { return table_.next_key(key, next); }
  s64 erase(const void* key) override {
    return table_.erase(
        key, [](u32) {}, [this](u32 n) { drop(n); });
  }
  int lookup_and_delete(const void* key, void* value, u64 flags) override {
    return static_cast<int>(table_.erase(
        key, [&](u32 n) { copy_out(value, n, flags); }, [this](u32 n) { drop(n); }));
  }
  // User space looking is no use, as Linux counts for LRU.
  int lookup_user(const void* key, void* value, u64 flags) override {
    return table_.with_locked(key, [&](u32 n) { copy_out(value, n, flags); }) ? 0 : -ENOENT;
  }
  u8 batches() const override { return kBucketBatch | kLookupBatch | kUpdateBatch | kDeleteBatch; }
  int bucket_batch(u32 bucket, u32 room, bool take, u64 flags, std::vector<u8>& out) override {
    const size_t record_bytes = key_size() + user_value_size();
    return table_.visit_bucket(
        bucket, [&](u32 count) { return count <= room; },
        [&](u32 n) {
          const size_t at = out.size();
          out.resize(at + record_bytes);
          load_words(&out[at], table_.key_of(n), key_size());
          copy_out(&out[at + key_size()], n, flags);
          return take;
        },
        [this](u32 n) { drop(n); });
  }
  int bucket_elements(u32 bucket, std::vector<Element>& out) override {
    return table_.visit_bucket(
        bucket, [](u32) { return true; },
        [&](u32 n) {
          out.push_back({n, table_.key_of(n), value_at(n)});
          return false;
        },
        [](u32) {});
  }
  bool holds(const Element& e) const override { return table_.find(e.key) == e.number; }
  void copy_values(const Element& e, void* to) const override { copy_out(to, e.number, 0); }
  s64 element_count() const override {
    return table_.each([](u32) { return false; });
  }

 protected:
  virtual Status init(const MapAttr& a, HashTable::Shape shape) = 0;
  virtual void* value_at(u32) { return nullptr; }  // where there is one for all CPUs
  virtual void copy_out(void* to, u32 n, u64 flags) const = 0;
  virtual void drop(u32 n) = 0;  // lets go of the value's special fields
  void drop_all() {
    // All elements: a program may have put something into one that was deleted.
    for (u32 n = 0; record() && n < table_.elements(); n++) drop(n);
  }
  HashTable table_;
  bool lru_;
  friend Result<MapPtr> create_hash(const MapAttr& given);
};

class HashMap final : public HashBase {
 public:
  explicit HashMap(const MapAttr& a) : HashBase(a) {
    info_.code.lookup = a.key_size == 4    ? lru_ ? direct_lookup<4, true> : direct_lookup<4, false>
                           : a.key_size == 8 ? lru_ ? direct_lookup<8, true> : direct_lookup<8, false>
                           : a.key_size == 16 ? lru_ ? direct_lookup<16, true> : direct_lookup<16, false>
                           : lru_ ? direct_lookup<0, true>
                                           : direct_lookup<0, false>;
    info_.code.update = [](u64 map, u64 key, u64 value, u64 flags, u64) -> u64 {
      return static_cast<u64>(of(map).HashMap::update(reinterpret_cast<const void*>(key),
                                                      reinterpret_cast<const void*>(value), flags));
    };
  }
  ~HashMap() override { drop_all(); }
  void* lookup(const void* key) override {
    const u32 n = table_.find(key);
    if (n == HashTable::kNone) return nullptr;
    if (lru_) table_.touch(n);
    return table_.value_of(n);
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    if ((flags & ~(lru_ ? 0 : u64{BPF_F_LOCK})) > BPF_EXIST) return -EINVAL;
    if (flags & BPF_F_LOCK && !(record() && record()->has(btf::kFieldSpinLock))) return -EINVAL;
    return table_.update(
        key, flags & ~u64{BPF_F_LOCK}, flags & BPF_F_LOCK,
        [&](u32 n) {
          u8* v = table_.value_of(n);
          if (!record() && value_size() == 8)
            return __atomic_store_n(reinterpret_cast<u64*>(v), load_unaligned<u64>(value), __ATOMIC_RELAXED);
          if (record()) {  // a program that held the address may have used the old element's fields
            drop(n);
            zero_words(v, align_up(value_size(), 8));
          }
          store_value(record(), value_size(), v, value);
        },
        [&](u32 n) { store(table_.value_of(n), value, flags); }, [this](u32 n) { drop(n); });
  }
  s64 for_each(const EachFn& fn, u64 flags) override {
    return flags ? -EINVAL : table_.each([&](u32 n) { return fn(table_.key_of(n), table_.value_of(n)); });
  }

  void each_value(FnRef<void(void*)> fn) override {
    table_.each([&](u32 n) { return fn(table_.value_of(n)), false; });
  }

 private:
  static HashMap& of(u64 map) { return static_cast<HashMap&>(*reinterpret_cast<Map*>(map)); }
  template <u32 K, bool Lru>
  static u64 direct_lookup(u64 map, u64 key, u64, u64, u64) {
    const HashTable& t = of(map).table_;
    const u32 n = t.find<K>(reinterpret_cast<const void*>(key));
    if (n == HashTable::kNone) return 0;
    if (Lru) t.touch(n);
    return reinterpret_cast<u64>(t.value_of(n));
  }
  Status init(const MapAttr& a, HashTable::Shape shape) override {
    shape.value_bytes = a.value_size;
    return table_.init(shape);
  }
  void* value_at(u32 n) override { return table_.value_of(n); }
  void copy_out(void* to, u32 n, u64 flags) const override { load(to, table_.value_of(n), flags); }
  void drop(u32 n) override {
    if (record()) release_fields(*this, table_.value_of(n));
  }
};

// The values of a CPU lie together, beside the table, so that CPUs share no cache line but at the edges.
class PercpuHashMap final : public HashBase {
 public:
  explicit PercpuHashMap(const MapAttr& a)
      : HashBase(a), cpus_(host::nr_cpus()), stride_(static_cast<u32>(align_up(a.value_size, 8))) {
    info_.code.lookup = a.key_size == 4    ? direct_lookup<4>
                        : a.key_size == 8  ? direct_lookup<8>
                        : a.key_size == 16 ? direct_lookup<16>
                                           : direct_lookup<0>;
  }
  ~PercpuHashMap() override { drop_all(); }
  void* lookup(const void* key) override { return lookup_percpu(key, host::current_cpu()); }
  void* lookup_percpu(const void* key, u32 cpu) override {
    const u32 n = cpu < cpus_ ? table_.find(key) : HashTable::kNone;
    if (n == HashTable::kNone) return nullptr;
    if (lru_) table_.touch(n);
    return at(n, cpu);
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    if (flags > BPF_EXIST) return -EINVAL;
    const u32 me = host::current_cpu();
    return put(key, flags, [&](u32 n, bool fresh) {
      for (u32 c = 0; c < cpus_ && fresh; c++) zero_words(at(n, c), stride_);
      store_value(record(), value_size(), at(n, me), value);
      if (!fresh) release_fields(*this, at(n, me));
    });
  }
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    if (flags > BPF_EXIST) return -EINVAL;
    return static_cast<int>(put(key, flags, [&](u32 n, bool fresh) {
      for (u32 c = 0; c < cpus_; c++) {
        if (fresh && record()) zero_words(at(n, c), stride_);
        store_value(record(), stride_, at(n, c), static_cast<const u8*>(value) + u64{c} * stride_);
        if (!fresh) release_fields(*this, at(n, c));
      }
    }));
  }
  u32 user_value_size() const override { return stride_ * cpus_; }
  s64 for_each(const EachFn& fn, u64 flags) override {
    const u32 me = host::current_cpu();
    return flags ? -EINVAL : table_.each([&](u32 n) { return fn(table_.key_of(n), at(n, me)); });
  }

 private:
  static PercpuHashMap& of(u64 map) { return static_cast<PercpuHashMap&>(*reinterpret_cast<Map*>(map)); }
  template <u32 K>
  static u64 direct_lookup(u64 map, u64 key, u64, u64, u64) {
    const PercpuHashMap& m = of(map);
    const u32 n = m.table_.find<K>(reinterpret_cast<const void*>(key));
    if (n == HashTable::kNone) return 0;
    if (m.lru_) m.table_.touch(n);
    return reinterpret_cast<u64>(m.at(n, host::current_cpu()));
  }
  Status init(const MapAttr& a, HashTable::Shape shape) override {
    OSMIA_TRY(table_.init(shape));
    if (u64{a.max_entries} > machine_memory() / (u64{stride_} * cpus_))
      return Error{ENOMEM, "hash: larger than the machine's memory"};
    cpu_stride_ = align_up(u64{table_.elements()} * stride_, 64) + 64;
    OSMIA_ASSIGN(values_, Region::make(cpu_stride_ * cpus_, false, true));
    return Ok{};
  }
  template <class Fill>
  s64 put(const void* key, u64 flags, Fill fill) {
    return table_.update(
        key, flags, true,
        [&](u32 n) {
          if (record()) drop(n);
          fill(n, true);
        },
        [&](u32 n) { fill(n, false); }, [this](u32 n) { drop(n); });
  }
  u8* at(u32 n, u32 cpu) const { return values_.data() + cpu * cpu_stride_ + u64{n} * stride_; }
  void copy_out(void* to, u32 n, u64) const override {
    for (u32 c = 0; c < cpus_; c++)
      load_value(record(), stride_, static_cast<u8*>(to) + u64{c} * stride_, at(n, c));
  }
  void drop(u32 n) override {
    for (u32 c = 0; c < cpus_ && record(); c++) release_fields(*this, at(n, c));
  }
  u32 cpus_, stride_;
  u64 cpu_stride_ = 0;
  Region values_;
};

Result<MapPtr> create_hash(const MapAttr& given) {
  MapAttr a = given;
  if (a.map_flags & BPF_F_NO_COMMON_LRU) {  // each CPU's list is equally long
    const u32 cpus = host::nr_cpus();
    const u64 up = (u64{a.max_entries} + cpus - 1) / cpus * cpus;
    a.max_entries = up > 0xffffffffu ? a.max_entries / cpus * cpus : static_cast<u32>(up);
  }
  HashTable::Shape shape;
  shape.key_size = a.key_size;
  shape.max_entries = a.max_entries;
  shape.lru = is_lru(a.type);
  shape.lru_per_cpu = a.map_flags & BPF_F_NO_COMMON_LRU;
  shape.zero_seed = a.map_flags & BPF_F_ZERO_SEED;
  std::shared_ptr<HashBase> map;
  if (is_percpu(a.type))
    map = std::make_shared<PercpuHashMap>(a);
  else
    map = std::make_shared<HashMap>(a);
  OSMIA_TRY(map->init(a, shape));
  return MapPtr(std::move(map));
}

int check_hash_btf(const Map&, const btf::Btf&, btf::TypeView key, btf::TypeView) {
  return key.is(btf::Kind::kVoid) ? EINVAL : 0;
}

constexpr u64 kTraits = MapTrait::kMapSleepableOk | MapTrait::kMapAllowsFields | MapTrait::kMapPreallocCheck;
constexpr u32 kPercpuFields = btf::kFieldKptr | btf::kFieldRefcount;
constexpr u32 kLruFields =
    kPercpuFields | btf::kFieldTimer | btf::kFieldWorkqueue | btf::kFieldListHead | btf::kFieldRbRoot;

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_HASH,
             .name = "hash",
             .btf_struct = "bpf_htab",
             .traits = kTraits,
             .fields = kLruFields | btf::kFieldSpinLock,
             .unprivileged = true},
     .check = check_hash,
     .create = create_hash,
     .check_btf = check_hash_btf},
    {.def = {.type = BPF_MAP_TYPE_PERCPU_HASH,
             .name = "percpu_hash",
             .btf_struct = "bpf_htab",
             .traits = kTraits | MapTrait::kMapPercpu,
             .fields = kPercpuFields,
             .unprivileged = true},
     .check = check_hash,
     .create = create_hash,
     .check_btf = check_hash_btf},
    {.def = {.type = BPF_MAP_TYPE_LRU_HASH,
             .name = "lru_hash",
             .btf_struct = "bpf_htab",
             .traits = kTraits,
             .fields = kLruFields},
     .check = check_hash,
     .create = create_hash,
     .check_btf = check_hash_btf,
     .capability = contract::Capability::kBpf},
    {.def = {.type = BPF_MAP_TYPE_LRU_PERCPU_HASH,
             .name = "lru_percpu_hash",
             .btf_struct = "bpf_htab",
             .traits = kTraits | MapTrait::kMapPercpu,
             .fields = kPercpuFields},
     .check = check_hash,
     .create = create_hash,
     .check_btf = check_hash_btf,
     .capability = contract::Capability::kBpf},
};

}  // namespace

Status check_hash(const MapAttr& a) {
  const bool percpu = is_percpu(a.type), lru = is_lru(a.type);
  constexpr u32 kFlags =
      BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | kAccessFlags | BPF_F_ZERO_SEED;
  constexpr u64 kElemHeader =
      48;  // Linux's own bytes per element, which count against the largest allocation
  if (a.map_flags & BPF_F_ZERO_SEED && !a.sys_admin)
    return Error{EPERM, "hash: BPF_F_ZERO_SEED needs CAP_SYS_ADMIN"};
  if (!only_flags(a, kFlags)) return bad("hash: unknown map_flags");
  if (!prog_access_ok(a.map_flags)) return bad("hash: both read-only and write-only for programs");
  if (!lru && a.map_flags & BPF_F_NO_COMMON_LRU) return bad("hash: BPF_F_NO_COMMON_LRU is for LRU maps");
  if (lru && a.map_flags & BPF_F_NO_PREALLOC) return Error{kNotSupp, "lru_hash is always preallocated"};
  if (numa_given(a) && (percpu || a.map_flags & BPF_F_NO_COMMON_LRU))
    return bad("hash: no NUMA node can be chosen");
  if (!a.max_entries || !a.key_size || !a.value_size)
    return bad("hash: max_entries, key_size and value_size must not be 0");
  if (u64{a.key_size} + a.value_size >= kKmallocMax - kElemHeader)
    return Error{E2BIG, "hash: key and value above 4 MiB"};
  if (percpu && align_up(a.value_size, 8) > kPercpuMax)
    return Error{E2BIG, "hash: per-CPU value above 32 KiB"};
  return Ok{};
}

std::span<const MapTypeEntry> def_hash() {
  return kTypes;
}

}  // namespace osmia::maps
