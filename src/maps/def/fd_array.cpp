// Arrays whose values user space writes as descriptors: programs (tail calls) and maps; perf events and
// control groups are in maps/object_array.h.
// Readers load a plain address from a slot; what a slot lets go of lives until the runs of that moment have
// ended.
#include <array>
#include <mutex>

#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/object_array.h"
#include "maps/pen.h"
#include "maps/value.h"
#include "rewrite/exec_program.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

u32 index_of(const void* key) {
  return load_unaligned<u32>(key);
}

template <class T>
class PtrArrayMap : public Map {
 public:
  PtrArrayMap(const MapAttr& a)
      : Map(a), slots_(new std::atomic<T*>[a.max_entries]()), owners_(a.max_entries) {
    info_.code.slots = {reinterpret_cast<u64>(slots_.get()), a.max_entries};
  }
  int next_key(const void* key, void* next) override { return next_index(*this, key, next); }
  s64 erase(const void* key) override {
    const u32 i = index_of(key);
    if (i >= max_entries()) return -E2BIG;
    Pen::Dropped dropped;  // destroyed after the lock: they may own this map
    std::lock_guard lock(mutex_);
    if (!owners_[i]) return -ENOENT;
    dropped = exchange(i, nullptr);
    return 0;
  }
  int lookup_user(const void* key, void* value, u64) override {
    const u32 i = index_of(key);
    std::lock_guard lock(mutex_);
    if (i >= max_entries() || !owners_[i]) return -ENOENT;
    store_unaligned<u32>(value, id_of(*owners_[i]));
    return 0;
  }
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override {
    const u32 i = index_of(key);
    if (flags != BPF_ANY) return -EINVAL;
    if (i >= max_entries()) return -E2BIG;
    auto p = resolve(load_unaligned<s32>(value), fds);
    if (!p.ok()) return -p.error().code;
    Pen::Dropped dropped;
    std::lock_guard lock(mutex_);
    dropped = exchange(i, *std::move(p));
    return 0;
  }

 protected:
  virtual u32 id_of(const T& t) const = 0;
  virtual Result<std::shared_ptr<T>> resolve(int fd, Descriptors& fds) = 0;
  T* at(u32 i) const { return i < max_entries() ? slots_[i].load(std::memory_order_acquire) : nullptr; }
  std::shared_ptr<T> shared(u32 i) {
    std::lock_guard lock(mutex_);
    return i < owners_.size() ? owners_[i] : nullptr;
  }
  Pen::Dropped exchange(u32 i, std::shared_ptr<T> fresh) {  // under mutex_
    slots_[i].store(fresh.get(), std::memory_order_release);
    owners_[i].swap(fresh);
    return pen_.put(std::move(fresh));
  }
  std::mutex mutex_;
  std::unique_ptr<std::atomic<T*>[]> slots_;
  std::vector<std::shared_ptr<T>> owners_;  // under mutex_
  Pen pen_;                                 // under mutex_
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // single inheritance: GCC and Clang know the offset
static_assert(offsetof(ProgObject, tail_entry) == rewrite::kTailEntryOffset);
#pragma GCC diagnostic pop

class ProgArrayMap final : public PtrArrayMap<ProgObject> {
 public:
  using PtrArrayMap::PtrArrayMap;
  std::shared_ptr<ProgObject> lookup_prog(u32 index) override { return shared(index); }
  ProgObject* prog_at(u32 index) const override { return at(index); }
  bool may_be_inner() const override { return false; }
  // The first program, in the map or loaded with it, decides which others fit: a tail call keeps the context.
  int join(const ContextShape& shape) override {
    std::lock_guard lock(mutex_);
    if (!owned_) owner_ = shape, owned_ = true;
    for (int i = 0; i < 2; i++) {
      // A program without storage may be called where there is one; not if it calls on.
      const bool none = !shape.cgroup_storage[i] && !shape.makes_tail_calls;
      if (owner_.cgroup_storage[i] != shape.cgroup_storage[i] && !none) return -EINVAL;
    }
    return owner_.prog_type == shape.prog_type && owner_.attach_type == shape.attach_type &&
                   owner_.has_frags == shape.has_frags && owner_.attach_btf == shape.attach_btf &&
                   owner_.attach_proto == shape.attach_proto
               ? 0
               : -EINVAL;
  }
  void release_user_refs() override {
    std::vector<Pen::Dropped> dropped;
    std::lock_guard lock(mutex_);
    for (u32 i = 0; i < owners_.size(); i++)
      if (owners_[i]) dropped.push_back(exchange(i, nullptr));
  }

 private:
  u32 id_of(const ProgObject& p) const override { return p.object_id(); }
  Result<std::shared_ptr<ProgObject>> resolve(int fd, Descriptors& fds) override {
    auto p = fds.prog(fd);
    if (!p.ok()) return p.error();
    const ProgObject& prog = **p;
    if (prog.prog_type() == BPF_PROG_TYPE_EXT) return bad("an extension program cannot be tail-called");
    if (join(prog.context_shape()))
      return bad("program whose context is not that of the first program of this program array");
    return p;
  }
  bool owned_ = false;
  ContextShape owner_;  // of the first program, under mutex_
};

class ArrayOfMaps final : public PtrArrayMap<Map> {
 public:
  ArrayOfMaps(const MapAttr& a, MapPtr inner) : PtrArrayMap(a), template_(std::move(inner)) {
    set_inner(*template_);
    template_.reset();
  }
  void* lookup(const void* key) override { return at(index_of(key)); }
  u8 batches() const override { return kLookupBatch | kUpdateBatch; }
  bool may_be_inner() const override { return false; }

 private:
  u32 id_of(const Map& m) const override { return m.info().id; }
  Result<MapPtr> resolve(int fd, Descriptors& fds) override {
    auto m = fds.map(fd);
    if (m.ok() && !(*m)->meta_equal(*inner_info_)) return bad("map differs from the inner map's template");
    return m;
  }
  MapPtr template_;
};

template <class M>
Result<MapPtr> create(const MapAttr& a) {
  if (a.max_entries > machine_memory_slots()) return Error{ENOMEM, "array larger than the machine's memory"};
  return MapPtr(std::make_shared<M>(a));
}

const u32 kProgArrayHelpers[] = {BPF_FUNC_tail_call};
const u32 kPerfHelpers[] = {BPF_FUNC_perf_event_read, BPF_FUNC_perf_event_output, BPF_FUNC_skb_output,
                            BPF_FUNC_perf_event_read_value, BPF_FUNC_xdp_output};
const u32 kCgroupHelpers[] = {BPF_FUNC_skb_under_cgroup, BPF_FUNC_current_task_under_cgroup};
const u32 kLookup[] = {BPF_FUNC_map_lookup_elem};

Result<MapPtr> create_array_of_maps(const MapAttr& a) {
  if (a.max_entries > machine_memory_slots()) return Error{ENOMEM, "array larger than the machine's memory"};
  OSMIA_ASSIGN(MapPtr inner, inner_template(a));
  return MapPtr(std::make_shared<ArrayOfMaps>(a, std::move(inner)));
}

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_PROG_ARRAY,
             .name = "prog_array",
             .btf_struct = "bpf_array",
             .traits = MapTrait::kMapHoldsProgs,
             .only_helpers = kProgArrayHelpers,
             .unprivileged = true},
     .check = check_fd_array,
     .create = create<ProgArrayMap>},
    {.def = {.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
             .name = "perf_event_array",
             .btf_struct = "bpf_array",
             .only_helpers = kPerfHelpers,
             .unprivileged = true},
     .check = check_fd_array,
     .create = create<PerfEventArrayMap>,
     .check_btf = refuse_btf},
    {.def = {.type = BPF_MAP_TYPE_CGROUP_ARRAY,
             .name = "cgroup_array",
             .btf_struct = "bpf_array",
             .only_helpers = kCgroupHelpers,
             .unprivileged = true},
     .check = check_fd_array,
     .create = create<CgroupArrayMap>,
     .check_btf = refuse_btf},
    {.def = {.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
             .name = "array_of_maps",
             .btf_struct = "bpf_array",
             .traits = MapTrait::kMapHoldsMaps | MapTrait::kMapIsArray | MapTrait::kMapSleepableOk,
             .only_helpers = kLookup,
             .unprivileged = true},
     .check = check_fd_array,
     .create = create_array_of_maps,
     .check_btf = refuse_btf},
};

}  // namespace

// The inner map that a map of maps is made with: any map that is not one itself.
Result<MapPtr> inner_template(const MapAttr& a) {
  if (!a.descriptors) return Error{EBADF, "inner_map_fd is not a map"};
  auto inner = a.descriptors->map(static_cast<int>(a.inner_map_fd));
  if (!inner.ok()) return inner;
  if ((*inner)->info().inner) return bad("inner_map_fd: maps of maps do not nest");
  if (!(*inner)->may_be_inner()) return Error{kNotSupp, "inner_map_fd: this map type cannot be an inner map"};
  return inner;
}

std::span<const MapTypeEntry> def_fd_array() {
  return kTypes;
}

}  // namespace osmia::maps
