// stack_trace: see maps/stack_trace.h. With BPF_F_STACK_BUILD_ID entries are struct bpf_stack_build_id; they
// hold plain addresses (BPF_STACK_BUILD_ID_IP), as Linux's do where no build id can be had.
#include "maps/stack_trace.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

#include "base/bits.h"
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

constexpr u32 kMaxStack = 127;  // sysctl kernel.perf_event_max_stack

u32 hash_frames(std::span<const u64> frames) {
  u64 h = frames.size();
  for (const u64 f : frames) {
    h = (h ^ f) * 0x9e3779b97f4a7c15ull;
    h ^= h >> 29;
  }
  return static_cast<u32>(h ^ h >> 32);
}

Status check(const MapAttr& a) {
  if (!only_flags(a, BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID))
    return bad("stack_trace: unknown map_flags");
  if (!a.max_entries || a.key_size != 4 || a.value_size < 8 || a.value_size % 8)
    return bad("stack_trace: max_entries > 0, key_size 4, value_size a multiple of 8");
  const u32 entry = a.map_flags & BPF_F_STACK_BUILD_ID ? sizeof(struct bpf_stack_build_id) : 8;
  if (a.value_size % entry || a.value_size / entry > kMaxStack)
    return bad("stack_trace: more than 127 frames");
  if (a.max_entries > 1u << 31) return Error{E2BIG, "stack_trace: max_entries above 2^31"};
  return Ok{};
}

const u32 kHelpers[] = {BPF_FUNC_get_stackid};
const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_STACK_TRACE,
             .name = "stack_trace",
             .btf_struct = "bpf_stack_map",
             .only_helpers = kHelpers},
     .check = check,
     .create = StackTraceMap::make,
     .check_btf = refuse_btf,
     .capability = contract::Capability::kBpf},
};

}  // namespace

StackTraceMap::StackTraceMap(const MapAttr& a)
    : Map(a), buckets_(std::bit_ceil(a.max_entries)), stride_(sizeof(Bucket) + a.value_size) {}

Result<MapPtr> StackTraceMap::make(const MapAttr& a) {
  std::shared_ptr<StackTraceMap> m(new StackTraceMap(a));
  OSMIA_ASSIGN(m->region_, Region::make(m->buckets_ * m->stride_));
  return MapPtr(std::move(m));
}

u32 StackTraceMap::entry_bytes() const {
  return info_.map_flags & BPF_F_STACK_BUILD_ID ? sizeof(struct bpf_stack_build_id) : 8;
}
u32 StackTraceMap::depth() const {
  return value_size() / entry_bytes();
}

s64 StackTraceMap::store(std::span<const u64> frames, u64 flags) {
  const u32 hash = hash_frames(frames), id = hash & (buckets_ - 1), n = static_cast<u32>(frames.size());
  struct bpf_stack_build_id entry = {};
  const auto address = [&](const Bucket* b, u32 i) -> u64 {
    const u8* at = reinterpret_cast<const u8*>(b + 1) + i * entry_bytes();
    return load_unaligned<u64>(entry_bytes() == 8 ? at : at + offsetof(struct bpf_stack_build_id, ip));
  };
  std::lock_guard guard(lock_);
  Bucket* b = at(id);
  if (b->frames) {
    const bool same_hash = b->hash == hash;
    if (same_hash && flags & BPF_F_FAST_STACK_CMP) return id;
    bool same = same_hash && b->frames == n;
    for (u32 i = 0; same && i < n; i++) same = address(b, i) == frames[i];
    if (same) return id;
    if (!(flags & BPF_F_REUSE_STACKID)) return -EEXIST;
  } else if (used_ >= max_entries()) {
    return -ENOMEM;
  } else {
    used_++;
  }
  *b = {n, hash};
  u8* out = reinterpret_cast<u8*>(b + 1);
  for (u32 i = 0; i < n; i++, out += entry_bytes()) {
    if (entry_bytes() == 8) {
      store_unaligned<u64>(out, frames[i]);
    } else {
      entry.status = BPF_STACK_BUILD_ID_IP;
      entry.ip = frames[i];
      std::memcpy(out, &entry, sizeof entry);
    }
  }
  return id;
}

int StackTraceMap::lookup_user(const void* key, void* value, u64) {
  const u32 id = load_unaligned<u32>(key);
  if (id >= buckets_) return -ENOENT;
  std::lock_guard guard(lock_);
  const Bucket* b = at(id);
  if (!b->frames) return -ENOENT;
  std::memset(value, 0, value_size());
  std::memcpy(value, b + 1, b->frames * entry_bytes());
  return 0;
}

s64 StackTraceMap::erase(const void* key) {
  const u32 id = load_unaligned<u32>(key);
  if (id >= buckets_) return -E2BIG;
  std::lock_guard guard(lock_);
  if (!at(id)->frames) return -ENOENT;
  at(id)->frames = 0;
  used_--;
  return 0;
}

int StackTraceMap::next_key(const void* key, void* next) {
  std::lock_guard guard(lock_);
  u32 id = 0;
  if (key) {
    id = load_unaligned<u32>(key);
    id = id >= buckets_ || !at(id)->frames ? 0 : id + 1;
  }
  while (id < buckets_ && !at(id)->frames) id++;
  if (id >= buckets_) return -ENOENT;
  store_unaligned<u32>(next, id);
  return 0;
}

std::span<const MapTypeEntry> def_stack_trace() {
  return kTypes;
}

}  // namespace osmia::maps
