// array and percpu_array: every index below max_entries exists from the start, zeroed. Values lie 8-byte
// aligned in one block; per-CPU arrays have one such block per virtual CPU, which share no cache line.
// Mappable arrays live in a memfd. Engines may compute an element's address themselves (LookupInline).
#include "host/run_context.h"
#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/region.h"
#include "maps/value.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

u32 index_of(const void* key) {
  return load_unaligned<u32>(key);
}

class IndexMap : public Map {
 public:
  IndexMap(const MapAttr& a, Region region, u64 stride)
      : Map(a), region_(std::move(region)), base_(region_.data()), stride_(stride), count_(a.max_entries) {}

  int next_key(const void* key, void* next) override {
    const u32 i = key ? index_of(key) : ~0u;
    if (i != ~0u && i == count_ - 1) return -ENOENT;
    store_unaligned<u32>(next, i >= count_ ? 0 : i + 1);
    return 0;
  }
  s64 erase(const void*) override { return -EINVAL; }
  u8 batches() const override { return kLookupBatch | kUpdateBatch; }

 protected:
  u8* slot(u32 i) const { return base_ + i * stride_; }
  void release_all() {
    for (u32 i = 0; i < count_ && record(); i++) release_fields(*this, slot(i));
  }
  // Flags are good and the index exists, else the errno of an update. Linux tests the bits, not the number,
  // for arrays.
  int check_update(u32 i, u64 flags, bool lock_ok) const {
    if ((flags & ~(lock_ok ? u64{BPF_F_LOCK} : 0)) > BPF_EXIST) return -EINVAL;
    if (i >= count_) return -E2BIG;
    if (flags & BPF_NOEXIST) return -EEXIST;
    if (flags & BPF_F_LOCK && !(record() && record()->has(btf::kFieldSpinLock))) return -EINVAL;
    return 0;
  }

  Region region_;
  u8* base_;
  u64 stride_;
  u32 count_;
};

class ArrayMap final : public IndexMap {
 public:
  ArrayMap(const MapAttr& a, Region r, u64 stride) : IndexMap(a, std::move(r), stride) {
    info_.value_base = reinterpret_cast<u64>(base_);
    info_.value_len = a.value_size;
    info_.type_specific_direct_error = count_ == 1 ? 0 : kNotSupp;
    info_.code.inline_lookup = {contract::LookupInline::kArray, count_, info_.value_base, stride_, 0};
    info_.code.lookup = [](u64 map, u64 key, u64, u64, u64) -> u64 {
      return reinterpret_cast<u64>(static_cast<ArrayMap*>(reinterpret_cast<Map*>(map))
                                       ->ArrayMap::lookup(reinterpret_cast<void*>(key)));
    };
    info_.code.update = [](u64 map, u64 key, u64 value, u64 flags, u64) -> u64 {
      return static_cast<u64>(static_cast<ArrayMap*>(reinterpret_cast<Map*>(map))
                                  ->ArrayMap::update(reinterpret_cast<const void*>(key),
                                                     reinterpret_cast<const void*>(value), flags));
    };
  }
  ~ArrayMap() override { release_all(); }
  void* lookup(const void* key) override {
    const u32 i = index_of(key);
    return i < count_ ? slot(i) : nullptr;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    const u32 i = index_of(key);
    if (const int err = check_update(i, flags, true)) return err;
    store(slot(i), value, flags);
    release_fields(*this, slot(i));
    return 0;
  }
  s64 for_each(const EachFn& fn, u64 flags) override {
    if (flags) return -EINVAL;
    for (u32 i = 0; i < count_; i++)
      if (fn(&i, slot(i))) return i + 1;
    return count_;
  }
  bool meta_equal(const verifier::MapInfo& m) const override {
    if (!(m.map_flags & BPF_F_INNER_MAP) && m.max_entries != max_entries()) return false;
    return Map::meta_equal(m);
  }
  void each_value(FnRef<void(void*)> fn) override {
    for (u32 i = 0; i < count_; i++) fn(slot(i));
  }
  int mmap_fd() const override { return region_.fd(); }
  u64 mmap_size() const override { return region_.size(); }
};

class PercpuArrayMap final : public IndexMap {
 public:
  PercpuArrayMap(const MapAttr& a, Region r, u64 stride, u64 cpu_stride)
      : IndexMap(a, std::move(r), stride), cpu_stride_(cpu_stride), cpus_(host::nr_cpus()) {
    info_.code.inline_lookup = {contract::LookupInline::kPercpuArray, count_, reinterpret_cast<u64>(base_),
                                stride_, cpu_stride_};
    info_.code.lookup = [](u64 map, u64 key, u64, u64, u64) -> u64 {
      return reinterpret_cast<u64>(static_cast<PercpuArrayMap*>(reinterpret_cast<Map*>(map))
                                       ->PercpuArrayMap::lookup(reinterpret_cast<void*>(key)));
    };
  }
  ~PercpuArrayMap() override {
    for (u32 c = 0; c < cpus_ && record(); c++)
      for (u32 i = 0; i < count_; i++) release_fields(*this, at(i, c));
  }
  void* lookup(const void* key) override {
    const u32 i = index_of(key);
    return i < count_ ? at(i, host::current_cpu()) : nullptr;
  }
  void* lookup_percpu(const void* key, u32 cpu) override {
    const u32 i = index_of(key);
    return i < count_ && cpu < cpus_ ? at(i, cpu) : nullptr;
  }
  s64 update(const void* key, const void* value, u64 flags) override {
    const u32 i = index_of(key);
    if (const int err = check_update(i, flags, true)) return err;
    void* v = lookup(key);
    store_value(record(), value_size(), v, value);
    release_fields(*this, v);
    return 0;
  }
  s64 for_each(const EachFn& fn, u64 flags) override {
    if (flags) return -EINVAL;
    for (u32 i = 0; i < count_; i++)
      if (fn(&i, at(i, host::current_cpu()))) return i + 1;
    return count_;
  }
  u32 user_value_size() const override { return user_stride() * cpus_; }
  int lookup_user(const void* key, void* value, u64) override {
    const u32 i = index_of(key);
    if (i >= count_) return -ENOENT;
    for (u32 c = 0; c < cpus_; c++)
      load_value(record(), user_stride(), static_cast<u8*>(value) + c * user_stride(), at(i, c));
    return 0;
  }
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    const u32 i = index_of(key);
    if (flags > BPF_EXIST) return -EINVAL;
    if (i >= count_) return -E2BIG;
    if (flags == BPF_NOEXIST) return -EEXIST;
    for (u32 c = 0; c < cpus_; c++) {
      store_value(record(), user_stride(), at(i, c), static_cast<const u8*>(value) + c * user_stride());
      release_fields(*this, at(i, c));
    }
    return 0;
  }

 private:
  u8* at(u32 i, u32 cpu) const { return slot(i) + cpu * cpu_stride_; }
  u32 user_stride() const { return static_cast<u32>(align_up(value_size(), 8)); }
  u64 cpu_stride_;
  u32 cpus_;
};

Result<MapPtr> create_array(const MapAttr& a) {
  const u64 stride = align_up(a.value_size, 8);
  OSMIA_ASSIGN(Region r, Region::make(stride * a.max_entries, a.map_flags & BPF_F_MMAPABLE));
  return MapPtr(std::make_shared<ArrayMap>(a, std::move(r), stride));
}

Result<MapPtr> create_percpu(const MapAttr& a) {
  const u64 stride = align_up(a.value_size, 8), cpus = host::nr_cpus();
  if (a.max_entries > machine_memory() / (stride * cpus))
    return Error{ENOMEM, "per-CPU array larger than the machine's memory"};
  // One line more than needed, so that the same element of two CPUs does not fall into the same cache set.
  const u64 cpu_stride = align_up(stride * a.max_entries, 64) + 64;
  OSMIA_ASSIGN(Region r, Region::make(cpu_stride * cpus));
  return MapPtr(std::make_shared<PercpuArrayMap>(a, std::move(r), stride, cpu_stride));
}

// A global data section has no key type: then it is one value described by a DATASEC.
int check_array_btf(const Map& m, const btf::Btf&, btf::TypeView key, btf::TypeView value) {
  if (key.is(btf::Kind::kVoid)) {
    if (m.type() != BPF_MAP_TYPE_ARRAY || m.max_entries() != 1) return EINVAL;
    return value.is(btf::Kind::kDatasec) ? 0 : EINVAL;
  }
  return is_u32_key(key) ? 0 : EINVAL;
}

constexpr u32 kArrayFields = btf::kFieldSpinLock | btf::kFieldTimer | btf::kFieldWorkqueue | btf::kFieldKptr |
                             btf::kFieldRefcount | btf::kFieldListHead | btf::kFieldRbRoot;

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_ARRAY,
             .name = "array",
             .btf_struct = "bpf_array",
             .traits = MapTrait::kMapDirectValue | MapTrait::kMapIsArray | MapTrait::kMapSleepableOk |
                       MapTrait::kMapAllowsFields,
             .fields = kArrayFields,
             .unprivileged = true},
     .check = check_array,
     .create = create_array,
     .check_btf = check_array_btf},
    {.def = {.type = BPF_MAP_TYPE_PERCPU_ARRAY,
             .name = "percpu_array",
             .btf_struct = "bpf_array",
             .traits = MapTrait::kMapIsArray | MapTrait::kMapPercpu | MapTrait::kMapSleepableOk |
                       MapTrait::kMapAllowsFields,
             .fields = btf::kFieldKptr | btf::kFieldRefcount,
             .unprivileged = true},
     .check = check_array,
     .create = create_percpu,
     .check_btf = check_array_btf},
};

}  // namespace

// The attribute checks of everything that is an array underneath.
Status check_array(const MapAttr& a) {
  const bool percpu = a.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  constexpr u32 kFlags =
      BPF_F_NUMA_NODE | BPF_F_MMAPABLE | kAccessFlags | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP;
  if (!a.max_entries) return bad("array: max_entries is 0");
  if (a.key_size != 4) return bad("array: key_size must be 4");
  if (!a.value_size) return bad("array: value_size is 0");
  if (!only_flags(a, kFlags)) return bad("array: unknown map_flags");
  if (!prog_access_ok(a.map_flags)) return bad("array: both read-only and write-only for programs");
  if (percpu && numa_given(a)) return bad("percpu_array: no NUMA node can be chosen");
  if (a.type != BPF_MAP_TYPE_ARRAY && a.map_flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP))
    return bad("only a plain array can be BPF_F_MMAPABLE or BPF_F_INNER_MAP");
  if (a.type != BPF_MAP_TYPE_PERF_EVENT_ARRAY && a.map_flags & BPF_F_PRESERVE_ELEMS)
    return bad("only a perf_event_array can be BPF_F_PRESERVE_ELEMS");
  if (a.value_size > 0x7fffffffu) return Error{E2BIG, "array: value_size above 2 GiB"};
  if (percpu && align_up(a.value_size, 8) > kPercpuMax)
    return Error{E2BIG, "percpu_array: value_size above 32 KiB"};
  return Ok{};
}

Status check_fd_array(const MapAttr& a) {
  if (a.value_size != 4) return bad("an array of descriptors has 4-byte values");
  if (a.map_flags & kProgAccess) return bad("an array of descriptors takes no program access flags");
  return check_array(a);
}

std::span<const MapTypeEntry> def_array() {
  return kTypes;
}

}  // namespace osmia::maps
