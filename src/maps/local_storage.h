// Local storage: one value for each owner (a socket, an inode, a task, a control group), however many owners
// there are. User space names the owner by a descriptor, programs by the object. Values of tasks that
// ended go when the map grows; those of other owners stay until the map goes, or drop() is told.
#pragma once
#include <map>
#include <mutex>
#include <utility>

#include "maps/map.h"
#include "maps/pen.h"

namespace osmia::maps {

class LocalStorageMap final : public Map {
 public:
  // Who owns a value: {what, number}; what tells descriptors' owners (inode of which device …) from objects
  // in the host's memory.
  using Owner = std::pair<u64, u64>;
  static Owner object(const void* host_object) { return {kObject, reinterpret_cast<u64>(host_object)}; }

  explicit LocalStorageMap(const MapAttr& a) : Map(a) {}
  ~LocalStorageMap() override;

  // The owner's value for programs, or null. create: if there is none, a new one, zero or a copy of
  // `initial`. The address stays good until the RunScope ends.
  void* get(const Owner& owner, bool create, const void* initial);
  int put(const Owner& owner, const void* value, u64 flags);  // -EINVAL, -EEXIST, -ENOENT
  int drop(const Owner& owner);                               // -ENOENT

  s64 update(const void*, const void*, u64) override { return -EOPNOTSUPP; }
  int lookup_user(const void* key, void* value, u64 flags) override;
  int update_user(const void* key, const void* value, u64 flags, Descriptors& fds) override;
  s64 erase(const void*) override { return -EOPNOTSUPP; }
  int erase_user(const void* key) override;
  int next_key(const void*, void*) override { return -kNotSupp; }

 private:
  static constexpr u64 kObject = ~u64{0};
  using Value = std::shared_ptr<u64[]>;
  Result<Owner> owner_of(const void* key) const;
  Value make_value() const;
  Pen::Dropped forget_dead();  // under mutex_
  void each_value(FnRef<void(void*)> fn) override;

  std::mutex mutex_;
  std::map<Owner, Value> values_;  // under mutex_
  Pen pen_;                        // under mutex_
  static constexpr size_t kFirstSweep = 256;
  size_t next_sweep_ = kFirstSweep;  // under mutex_
};

}  // namespace osmia::maps
