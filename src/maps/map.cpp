// What all maps share: the copying defaults, freezing, and the rules of mapping a map's memory.
#include "maps/map.h"

#include <linux/bpf.h>
#include <sys/mman.h>

#include <cerrno>

#include "maps/object.h"
#include "maps/region.h"
#include "maps/value.h"

namespace osmia::maps {
namespace {
std::atomic<FieldRelease> g_release[32];  // by bit of the kind

std::atomic<FieldRelease>& release_of(btf::FieldKind kind) {
  return g_release[__builtin_ctz(kind)];
}
}  // namespace

void set_field_release(btf::FieldKind kind, FieldRelease fn) {
  release_of(kind).store(fn, std::memory_order_release);
}
void release_fields(Map& map, void* value, u32 kinds) {
  if (!map.record() || !map.record()->has(kinds)) return;
  for (const btf::Field& f : map.record()->fields) {
    if (!(f.kind & kinds)) continue;
    if (FieldRelease fn = release_of(f.kind).load(std::memory_order_acquire))
      fn(map, f, static_cast<u8*>(value) + f.offset);
    else
      release_owned_field(*map.record(), f, value);
  }
}

void Map::stop_timers() {
  constexpr u32 kKinds = btf::kFieldTimer | btf::kFieldWorkqueue;
  if (record() && record()->has(kKinds)) each_value([this](void* v) { release_fields(*this, v, kKinds); });
}

Map::Map(const MapAttr& a) {
  info_.def = a.def;
  info_.type = a.type;
  info_.key_size = a.key_size;
  info_.value_size = a.value_size;
  info_.max_entries = a.max_entries;
  info_.map_flags = a.map_flags & ~static_cast<u32>(BPF_F_RDONLY | BPF_F_WRONLY);
  info_.map_extra = a.map_extra;
  info_.type_specific_direct_error = kNotSupp;
  info_.live = this;
}

Map::~Map() = default;

void* Map::value_lock_word(void* value) const {
  const auto* r = record();
  return r && r->spin_lock_off >= 0 ? static_cast<u8*>(value) + r->spin_lock_off : nullptr;
}

void Map::store(void* map_mem, const void* from, u64 flags) {
  auto* lock = flags & BPF_F_LOCK ? static_cast<u32*>(value_lock_word(map_mem)) : nullptr;
  if (lock) lock_word(lock);
  store_value(record(), info_.value_size, map_mem, from);
  if (lock) unlock_word(lock);
}

void Map::load(void* to, const void* map_mem, u64 flags) const {
  auto* lock = flags & BPF_F_LOCK ? static_cast<u32*>(value_lock_word(const_cast<void*>(map_mem))) : nullptr;
  if (lock) lock_word(lock);
  load_value(record(), info_.value_size, to, map_mem);
  if (lock) unlock_word(lock);
}

int Map::lookup_user(const void* key, void* value, u64 flags) {
  const void* v = lookup(key);
  if (!v) return -ENOENT;
  load(value, v, flags);
  return 0;
}

int Map::update_user(const void* key, const void* value, u64 flags, Descriptors&) {
  return static_cast<int>(update(key, value, flags));
}

int Map::freeze() {
  std::lock_guard lock(freeze_mutex_);
  if (writers_.load() || info_.frozen) return -EBUSY;
  if (mmap_fd() >= 0 && info_.value_base &&
      mapped_writable(mmap_fd(), reinterpret_cast<const void*>(info_.value_base)))
    return -EBUSY;
  info_.frozen = true;
  return 0;
}

Result<void*> Map::map_memory(void* addr, u64 len, int prot, int flags, off_t off) {
  const bool has_memory = mmap_fd() >= 0;  // arrays could have it
  if ((!has_memory && type() != BPF_MAP_TYPE_ARRAY) || record())
    return Error{kNotSupp, "this map cannot be mapped"};
  if (!(flags & MAP_SHARED)) return Error{EINVAL, "a map must be mapped MAP_SHARED"};
  std::lock_guard lock(freeze_mutex_);
  if (prot & PROT_WRITE) {
    if (info_.frozen) return Error{EPERM, "the map is frozen"};
    if (info_.map_flags & BPF_F_RDONLY_PROG) return Error{EACCES, "the map is read-only for programs"};
  }
  if (!has_memory) return Error{EINVAL, "the array was made without BPF_F_MMAPABLE"};
  const u64 size = align_up(mmap_size(), 4096);
  if (off < 0 || static_cast<u64>(off) > size || size - static_cast<u64>(off) < align_up(len, 4096))
    return Error{EINVAL, "mapping reaches beyond the map"};
  void* p = map_for_user(addr, len, prot, flags, mmap_fd(), off);
  if (p == MAP_FAILED) return Error{errno, "mmap"};
  return p;
}

bool Map::meta_equal(const verifier::MapInfo& m) const {
  const bool same_btf = m.btf == info_.btf;
  const auto same_record = [same_btf](const btf::FieldRecord* a, const btf::FieldRecord* b) {
    const bool ea = !a || a->fields.empty(), eb = !b || b->fields.empty();
    if (ea || eb) return ea == eb;
    if (a->fields.size() != b->fields.size()) return false;
    for (size_t i = 0; i < a->fields.size(); i++) {
      const auto &x = a->fields[i], &y = b->fields[i];
      if (x.kind != y.kind || x.offset != y.offset || x.btf_id != y.btf_id || x.kptr_btf != y.kptr_btf ||
          x.node_offset != y.node_offset)
        return false;
      // Structs of the program's own are numbered by its BTF.
      const bool own = x.kind & btf::kFieldGraphRoot || (x.kind & btf::kFieldKptr && !x.kernel);
      if (x.kernel != y.kernel || (own && !same_btf)) return false;
    }
    return true;
  };
  return m.type == info_.type && m.key_size == info_.key_size && m.value_size == info_.value_size &&
         m.map_flags == info_.map_flags && same_record(m.record.get(), record());
}

void Map::set_inner(const Map& inner) {
  inner_info_ = std::make_unique<verifier::MapInfo>(inner.info());
  inner_info_->id = 0;
  inner_info_->name.clear();
  inner_info_->value_base = inner_info_->value_len = 0;
  inner_info_->type_specific_direct_error = kNotSupp;
  inner_info_->frozen = false;
  inner_info_->live = nullptr;
  inner_info_->code = {};
  inner_info_->inner = nullptr;
  info_.inner = inner_info_.get();
}

}  // namespace osmia::maps
