// iter/bpf_map_elem: key and value of every element of one array or hash map. A value is the map's own
// memory, and what the program writes there stays; a per-CPU map's is a copy of the values of all CPUs. An
// element that goes before its turn is not shown.
#include <linux/bpf.h>

#include <algorithm>

#include "base/bits.h"
#include "host/held_object.h"
#include "host/run_context.h"
#include "maps/map_object.h"
#include "runtime/iter/iterator.h"

namespace osmia::runtime::iter_targets {
namespace {

bool percpu(const maps::Map& m) {
  return m.type() == BPF_MAP_TYPE_PERCPU_HASH || m.type() == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         m.type() == BPF_MAP_TYPE_PERCPU_ARRAY;
}

// What both kinds of tables share: the map, held as by a descriptor, and its values of all CPUs.
class TableWalk : public IterWalk {
 public:
  TableWalk(const btf::BtfPtr& types, maps::MapPtr map)
      : map_(std::move(map)), object_(types, maps::make_map_object(types, map_)) {
    if (percpu(*map_)) copy_.resize(align_up(u64{map_->user_value_size()}, 8) / 8);
    map_->user_ref();
  }
  ~TableWalk() override { map_->user_unref(); }
  void at_end(u64 (&args)[3]) const override { args[0] = object_.address(); }

 protected:
  bool give(u64 (&args)[3], const void* key, const void* value) const {
    args[0] = object_.address();
    args[1] = reinterpret_cast<u64>(key);
    args[2] = reinterpret_cast<u64>(value);
    return true;
  }
  const maps::MapPtr map_;
  const host::HeldObject object_;
  std::vector<u64> copy_;
};

class ArrayWalk final : public TableWalk {
 public:
  using TableWalk::TableWalk;
  int start(u64& index) override {
    if (at_ >= map_->max_entries()) return 0;
    if (!index) index = 1;
    return 1;
  }
  int next(u64& index) override {
    index++;
    return ++at_ < map_->max_entries();
  }
  bool arguments(u64 (&args)[3]) override {
    key_ = at_;
    if (copy_.empty()) return give(args, &key_, map_->lookup(&key_));
    return map_->lookup_user(&key_, copy_.data(), 0) == 0 && give(args, &key_, copy_.data());
  }

 private:
  u32 at_ = 0, key_ = 0;
};

// A bucket is looked at as a whole; the reader's position is the bucket and how many of its elements are
// done. After a pause elements that were put into the same bucket may be missed, as on Linux.
class HashWalk final : public TableWalk {
 public:
  using TableWalk::TableWalk;
  int start(u64& index) override {
    elements_.clear();
    if (!find(done_)) return 0;
    if (!index) index = 1;
    return 1;
  }
  int next(u64& index) override {
    index++;
    done_++;
    at_++;
    return find_here() || (bucket_++, find(0));
  }
  void stop(bool) override { elements_.clear(); }
  bool arguments(u64 (&args)[3]) override {
    const maps::Map::Element& e = elements_[at_];
    if (copy_.empty()) return give(args, e.key, e.value);
    map_->copy_values(e, copy_.data());
    return give(args, e.key, copy_.data());
  }

 private:
  bool find_here() {
    while (at_ < elements_.size() && !map_->holds(elements_[at_])) at_++;
    return at_ < elements_.size();
  }
  // The first element from bucket_ on, `skip` of that one left out.
  bool find(u32 skip) {
    for (;; bucket_++, skip = 0) {
      elements_.clear();
      at_ = done_ = 0;
      if (map_->bucket_elements(bucket_, elements_)) return false;
      done_ = at_ = std::min<u32>(skip, static_cast<u32>(elements_.size()));
      if (find_here()) return true;
    }
  }
  u32 bucket_ = 0, done_ = 0, at_ = 0;
  std::vector<maps::Map::Element> elements_;  // of bucket_
};

Status check(const Program& p, const maps::Map& m) {
  switch (m.type()) {
    case BPF_MAP_TYPE_HASH:
    case BPF_MAP_TYPE_LRU_HASH:
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_ARRAY:
    case BPF_MAP_TYPE_PERCPU_ARRAY: break;
    default: return Error{EINVAL, "iter/bpf_map_elem walks hash and array maps"};
  }
  const u64 value = percpu(m) ? u64{align_up(m.value_size(), 8)} * host::nr_cpus() : u64{m.value_size()};
  if (p.facts.max_key_access > m.key_size() || p.facts.max_value_access > value)
    return Error{EACCES, "the program reaches beyond the map's keys or values"};
  // Linux lets it write over timers and pointers; here it must not come near them.
  if (const btf::FieldRecord* special = percpu(m) ? nullptr : m.record())
    for (const btf::Field& f : special->fields)
      if (p.facts.max_value_access > f.offset)
        return Error{EACCES,
                     "the program reaches a special field (lock, timer, pointer) of the map's values"};
  return Ok{};
}

Result<std::unique_ptr<IterWalk>> open(Kernel&, const btf::BtfPtr& types, const IterScope& scope) {
  const bool array =
      scope.map->type() == BPF_MAP_TYPE_ARRAY || scope.map->type() == BPF_MAP_TYPE_PERCPU_ARRAY;
  if (array) return std::unique_ptr<IterWalk>(new ArrayWalk(types, scope.map));
  return std::unique_ptr<IterWalk>(new HashWalk(types, scope.map));
}

}  // namespace

constexpr IterTarget kBpfMapElem{
    .name = "bpf_map_elem", .needs = IterTarget::kMap, .check_map = check, .open = open};

}  // namespace osmia::runtime::iter_targets
