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
  HashBase(const MapAttr& a, std::unique_ptr<HashTable> t)
      : Map(a), table_(std::move(t)), lru_(is_lru(a.type)) {}
  int next_key(const void* key, void* next) override { return table_->next_key(key, next); }
  s64 erase(const void* key) override {
    return table_->erase(key, nullptr, [this](u8* v) { drop(v); });
  }
  int lookup_and_delete(const void* key, void* value, u64 flags) override {
    return static_cast<int>(table_->erase(
        key, [&](u8* v) { copy_out(value, v, flags); }, [this](u8* v) { drop(v); }));
  }
  u8 batches() const override { return kBucketBatch | kLookupBatch | kUpdateBatch | kDeleteBatch; }
  int bucket_batch(u32 bucket, u32 room, bool take, u64 flags, std::vector<u8>& out) override {
    const size_t record_bytes = key_size() + user_value_size();
    return table_->visit_bucket(
        bucket, [&](u32 n) { return n <= room; },
        [&](const u8* k, u8* v) {
          const size_t at = out.size();
          out.resize(at + record_bytes);
          load_words(&out[at], k, key_size());
          copy_out(&out[at + key_size()], v, flags);
          return take;
        },
        [this](u8* v) { drop(v); });
  }

 protected:
  virtual void copy_out(void* to, u8* value, u64 flags) const = 0;
  virtual void drop(u8* value) = 0;
  std::unique_ptr<HashTable> table_;
  bool lru_;
};

class HashMap final : public HashBase {
 public:
  using HashBase::HashBase;
  void* lookup(const void* key) override { return table_->find(key, true); }
  int lookup_user(const void* key, void* value, u64 flags) override {
    u8* v = table_->find(key, false);  // user space looking is no use, as Linux counts for LRU
    if (!v) return -ENOENT;
    load(value, v, flags);
    return 0;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    if ((flags & ~(lru_ ? 0 : u64{BPF_F_LOCK})) > BPF_EXIST) return -EINVAL;
    if (flags & BPF_F_LOCK && !(record() && record()->has(btf::kFieldSpinLock))) return -EINVAL;
    HashTable::Update u;
    u.in_place = flags & BPF_F_LOCK;
    u.change = [&](u8* v) { store(v, value, flags); };
    u.fill_new = [&](u8* v) {
      if (record()) zero_words(v, align_up(value_size(), 8));
      store_value(record(), value_size(), v, value);
    };
    if (record() || lru_) u.dropped = [this](u8* v) { drop(v); };
    return table_->update(key, flags, u);
  }
  s64 for_each(const EachFn& fn, u64 flags) override {
    return flags ? -EINVAL : table_->each([&](const u8* k, u8* v) { return fn(k, v); });
  }

 private:
  void copy_out(void* to, u8* value, u64 flags) const override { load(to, value, flags); }
  void drop(u8* value) override { release_fields(*this, value); }
};

class PercpuHashMap final : public HashBase {
 public:
  PercpuHashMap(const MapAttr& a, std::unique_ptr<HashTable> t)
      : HashBase(a, std::move(t)),
        cpus_(host::nr_cpus()),
        stride_(static_cast<u32>(align_up(a.value_size, 8))) {}
  void* lookup(const void* key) override {
    u8* v = table_->find(key, true);
    return v ? v + u64{host::current_cpu()} * stride_ : nullptr;
  }
  void* lookup_percpu(const void* key, u32 cpu) override {
    u8* v = cpu < cpus_ ? table_->find(key, true) : nullptr;
    return v ? v + u64{cpu} * stride_ : nullptr;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    if (flags > BPF_EXIST) return -EINVAL;
    const u64 mine = u64{host::current_cpu()} * stride_;
    return put(key, flags, [&](u8* v, bool fresh) {
      if (fresh) zero_words(v, u64{stride_} * cpus_);
      store_value(record(), value_size(), v + mine, value);
      if (!fresh) release_fields(*this, v + mine);
    });
  }
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    if (flags > BPF_EXIST) return -EINVAL;
    return static_cast<int>(put(key, flags, [&](u8* v, bool fresh) {
      if (fresh && record()) zero_words(v, u64{stride_} * cpus_);
      for (u32 c = 0; c < cpus_; c++) {
        store_value(record(), stride_, v + u64{c} * stride_,
                    static_cast<const u8*>(value) + u64{c} * stride_);
        if (!fresh) release_fields(*this, v + u64{c} * stride_);
      }
    }));
  }
  u32 user_value_size() const override { return stride_ * cpus_; }
  int lookup_user(const void* key, void* value, u64) override {
    u8* v = table_->find(key, false);
    if (!v) return -ENOENT;
    copy_out(value, v, 0);
    return 0;
  }
  s64 for_each(const EachFn& fn, u64 flags) override {
    const u64 mine = u64{host::current_cpu()} * stride_;
    return flags ? -EINVAL : table_->each([&](const u8* k, u8* v) { return fn(k, v + mine); });
  }

 private:
  template <class Fill>
  s64 put(const void* key, u64 flags, Fill fill) {
    HashTable::Update u;
    u.in_place = true;
    u.change = [&](u8* v) { fill(v, false); };
    u.fill_new = [&](u8* v) { fill(v, true); };
    if (lru_) u.dropped = [this](u8* v) { drop(v); };
    return table_->update(key, flags, u);
  }
  void copy_out(void* to, u8* value, u64) const override {
    for (u32 c = 0; c < cpus_; c++)
      load_value(record(), stride_, static_cast<u8*>(to) + u64{c} * stride_, value + u64{c} * stride_);
  }
  void drop(u8* value) override {
    for (u32 c = 0; c < cpus_ && record(); c++) release_fields(*this, value + u64{c} * stride_);
  }
  u32 cpus_, stride_;
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
  shape.value_bytes = is_percpu(a.type) ? align_up(a.value_size, 8) * host::nr_cpus() : a.value_size;
  shape.max_entries = a.max_entries;
  shape.lru = is_lru(a.type);
  shape.zero_seed = a.map_flags & BPF_F_ZERO_SEED;
  OSMIA_ASSIGN(auto table, HashTable::make(shape));
  if (is_percpu(a.type)) return MapPtr(std::make_shared<PercpuHashMap>(a, std::move(table)));
  return MapPtr(std::make_shared<HashMap>(a, std::move(table)));
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
