// stack_trace: call stacks by id. The id is the hash of the addresses, so the same stack has the same id;
// another stack with the same hash takes the place only if the caller says so.
#pragma once
#include <span>

#include "maps/map.h"
#include "maps/region.h"
#include "maps/spin_lock.h"

namespace osmia::maps {

class StackTraceMap final : public Map {
 public:
  static Result<MapPtr> make(const MapAttr& a);

  u32 depth() const;  // frames that an element holds
  // Stores a stack (addresses, innermost first, at most depth()). flags: BPF_F_FAST_STACK_CMP,
  // BPF_F_REUSE_STACKID. Gives the id, -EEXIST (another stack has it) or -ENOMEM (max_entries stacks are
  // there).
  s64 store(std::span<const u64> frames, u64 flags);

  void* lookup(const void*) override { return nullptr; }
  s64 update(const void*, const void*, u64) override { return -EINVAL; }
  s64 erase(const void* key) override;
  int lookup_user(const void* key, void* value, u64 flags) override;
  int next_key(const void* key, void* next) override;

 private:
  struct Bucket {  // the frames follow, as the element's value has them
    u32 frames, hash;
  };
  explicit StackTraceMap(const MapAttr& a);
  Bucket* at(u32 id) const { return reinterpret_cast<Bucket*>(region_.data() + u64{id} * stride_); }
  u32 entry_bytes() const;

  Region region_;
  SpinLock lock_;
  u32 buckets_ = 0, used_ = 0;
  u64 stride_ = 0;
};

}  // namespace osmia::maps
