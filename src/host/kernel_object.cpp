// One table for all Kernels of the process. Objects that no program holds stay as a cache, until there are
// more than a few hundred; then those that nothing else points to go, after a grace period.
#include "host/kernel_object.h"

#include <mutex>
#include <unordered_map>

#include "host/grace.h"

namespace osmia::host {

class ObjectTable {
 public:
  static ObjectTable& instance() {
    static ObjectTable* t = new ObjectTable;  // never freed: programs may run at exit
    return *t;
  }

  ObjectPtr publish(const btf::BtfPtr& types, ObjectPtr fresh) {
    std::vector<ObjectPtr> dropped;  // destroyed behind the lock
    std::lock_guard lock(mutex_);
    if (ObjectPtr there = find_locked(types, fresh->kind, fresh->key)) return there;
    if (by_address_.size() >= limit_) sweep(dropped);
    by_address_.emplace(fresh->address(), Entry{types, fresh});
    if (fresh->key.number) by_key_.emplace(hash(fresh->kind, fresh->key), fresh->address());
    return fresh;
  }
  ObjectPtr find(const btf::BtfPtr& types, ObjectKind kind, const ObjectKey& key) {
    std::lock_guard lock(mutex_);
    return find_locked(types, kind, key);
  }
  ObjectPtr at(u64 address) {
    std::lock_guard lock(mutex_);
    const auto it = by_address_.find(address);
    return it == by_address_.end() ? nullptr : it->second.object;
  }
  bool count(u64 address, int change) {
    std::vector<ObjectPtr> dropped;
    std::lock_guard lock(mutex_);
    const auto it = by_address_.find(address);
    if (it == by_address_.end()) return false;
    u32& n = it->second.object->acquired_;
    if (change < 0 && !n) return false;
    n += static_cast<u32>(change);
    it->second.object->held_by(n);
    // What has no key nobody will look up again.
    if (!n && change < 0 && !it->second.object->key.number) {
      leave(std::move(it->second.object), dropped);
      by_address_.erase(it);
    }
    return true;
  }

 private:
  struct Entry {
    std::weak_ptr<const btf::Btf> types;
    ObjectPtr object;
  };
  static u64 hash(ObjectKind kind, const ObjectKey& key) {
    return (key.number * 0x9e3779b97f4a7c15ull) ^ (key.space << 3) ^ static_cast<u64>(kind);
  }
  static bool same(const std::weak_ptr<const btf::Btf>& a, const btf::BtfPtr& b) {
    return !a.owner_before(b) && !b.owner_before(a);
  }
  ObjectPtr find_locked(const btf::BtfPtr& types, ObjectKind kind, const ObjectKey& key) {
    const auto [from, to] = by_key_.equal_range(hash(kind, key));
    for (auto it = from; it != to; ++it) {
      const Entry& e = by_address_.at(it->second);
      if (e.object->kind == kind && e.object->key == key && same(e.types, types)) return e.object;
    }
    return nullptr;
  }
  // Whoever still runs may have its address.
  void leave(ObjectPtr object, std::vector<ObjectPtr>& dropped) {
    fresh_.push_back(std::move(object));
    if (!waiting_.empty() && grace_.over()) dropped.swap(waiting_);
    if (waiting_.empty()) {
      waiting_.swap(fresh_);
      grace_.begin();
      if (grace_.over()) {
        dropped.insert(dropped.end(), waiting_.begin(), waiting_.end());
        waiting_.clear();
      }
    }
  }
  void sweep(std::vector<ObjectPtr>& dropped) {
    std::erase_if(by_key_, [&](const auto& item) {
      const auto it = by_address_.find(item.second);
      Entry& e = it->second;
      if (e.object->acquired_ || e.object.use_count() > 1) return false;
      leave(std::move(e.object), dropped);
      by_address_.erase(it);
      return true;
    });
    limit_ = std::max(kLimit, by_address_.size() * 2);
  }

  static constexpr size_t kLimit = 512;
  std::mutex mutex_;  // of all that follows, and of KernelObject::acquired_
  std::unordered_map<u64, Entry> by_address_;
  std::unordered_multimap<u64, u64> by_key_;
  std::vector<ObjectPtr> fresh_, waiting_;
  Grace grace_;
  size_t limit_ = kLimit;
};

ObjectPtr publish_object(const btf::BtfPtr& types, ObjectPtr fresh) {
  return ObjectTable::instance().publish(types, std::move(fresh));
}
ObjectPtr find_object(const btf::BtfPtr& types, ObjectKind kind, const ObjectKey& key) {
  return ObjectTable::instance().find(types, kind, key);
}
ObjectPtr object_at(u64 address) {
  return ObjectTable::instance().at(address);
}
ObjectPtr object_at(u64 address, ObjectKind kind) {
  ObjectPtr o = address ? object_at(address) : nullptr;
  return o && o->kind == kind ? o : nullptr;
}
bool acquire_object(u64 address) {
  return ObjectTable::instance().count(address, 1);
}
bool release_object(u64 address) {
  return ObjectTable::instance().count(address, -1);
}

}  // namespace osmia::host
