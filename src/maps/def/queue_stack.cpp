// queue and stack: values without keys, first or last in first out, in a ring of max_entries values under one
// lock.
#include <mutex>

#include "maps/checks.h"
#include "maps/map_type.h"
#include "maps/region.h"
#include "maps/spin_lock.h"

namespace osmia::maps {
namespace {

using contract::MapTrait;

class QueueStackMap final : public Map {
 public:
  QueueStackMap(const MapAttr& a, Region r)
      : Map(a), region_(std::move(r)), size_(u64{a.max_entries} + 1), stack_(a.type == BPF_MAP_TYPE_STACK) {
    info_.code.push = [](u64 map, u64 value, u64 flags, u64, u64) -> u64 {
      return static_cast<u64>(of(map).QueueStackMap::push(reinterpret_cast<const void*>(value), flags));
    };
    info_.code.pop = [](u64 map, u64 value, u64, u64, u64) -> u64 {
      return static_cast<u64>(of(map).get(reinterpret_cast<void*>(value), true));
    };
    info_.code.peek = [](u64 map, u64 value, u64, u64, u64) -> u64 {
      return static_cast<u64>(of(map).get(reinterpret_cast<void*>(value), false));
    };
  }

  s64 push(const void* value, u64 flags) override {
    if (flags & BPF_NOEXIST || flags > BPF_EXIST) return -EINVAL;
    std::lock_guard lock(lock_);
    const u64 next = head_ + 1 == size_ ? 0 : head_ + 1;
    if (next == tail_) {
      if (!(flags & BPF_EXIST)) return -E2BIG;
      tail_ = tail_ + 1 == size_ ? 0 : tail_ + 1;  // the oldest makes room
    }
    std::memcpy(at(head_), value, value_size());
    head_ = next;
    return 0;
  }
  s64 pop(void* value) override { return get(value, true); }
  s64 peek(void* value) override { return get(value, false); }
  s64 update(const void*, const void*, u64) override { return -EINVAL; }
  s64 erase(const void*) override { return -EINVAL; }
  int next_key(const void*, void*) override { return -EINVAL; }
  int lookup_user(const void*, void* value, u64) override { return static_cast<int>(peek(value)); }
  int update_user(const void*, const void* value, u64 flags, Descriptors&) override {
    return static_cast<int>(push(value, flags));
  }
  int lookup_and_delete(const void*, void* value, u64) override { return static_cast<int>(pop(value)); }

 private:
  static QueueStackMap& of(u64 map) { return static_cast<QueueStackMap&>(*reinterpret_cast<Map*>(map)); }
  u8* at(u64 i) const { return region_.data() + i * value_size(); }
  s64 get(void* value, bool take) {
    std::lock_guard lock(lock_);
    if (head_ == tail_) {
      std::memset(value, 0, value_size());
      return -ENOENT;
    }
    const u64 last = head_ ? head_ - 1 : size_ - 1;
    std::memcpy(value, at(stack_ ? last : tail_), value_size());
    if (take) {
      if (stack_)
        head_ = last;
      else
        tail_ = tail_ + 1 == size_ ? 0 : tail_ + 1;
    }
    return 0;
  }
  Region region_;
  SpinLock lock_;
  u64 size_, head_ = 0, tail_ = 0;
  bool stack_;
};

Status check(const MapAttr& a) {
  if (!a.max_entries || a.key_size || !a.value_size) return bad("queue and stack have values and no keys");
  if (!only_flags(a, BPF_F_NUMA_NODE | kAccessFlags)) return bad("queue, stack: unknown map_flags");
  if (!prog_access_ok(a.map_flags)) return bad("queue, stack: both read-only and write-only for programs");
  if (a.value_size > kKmallocMax) return Error{E2BIG, "queue, stack: value_size above 4 MiB"};
  if (a.max_entries >= 0xffffffffu / a.value_size) return Error{E2BIG, "queue, stack: larger than 4 GiB"};
  return Ok{};
}
Result<MapPtr> create(const MapAttr& a) {
  OSMIA_ASSIGN(Region r, Region::make((u64{a.max_entries} + 1) * a.value_size));
  return MapPtr(std::make_shared<QueueStackMap>(a, std::move(r)));
}

const u32 kHelpers[] = {BPF_FUNC_map_peek_elem, BPF_FUNC_map_pop_elem, BPF_FUNC_map_push_elem};
constexpr u64 kTraits = MapTrait::kMapKeyless | MapTrait::kMapSleepableOk;
MapTypeEntry entry(u32 type, std::string_view name) {
  return {.def = {.type = type,
                  .name = name,
                  .btf_struct = "bpf_queue_stack",
                  .traits = kTraits,
                  .only_helpers = kHelpers},
          .check = check,
          .create = create,
          .capability = contract::Capability::kBpf};
}

}  // namespace

std::span<const MapTypeEntry> def_queue_stack() {
  static const MapTypeEntry types[] = {entry(BPF_MAP_TYPE_QUEUE, "queue"),
                                       entry(BPF_MAP_TYPE_STACK, "stack")};
  return types;
}

}  // namespace osmia::maps
