// The hash table behind hash, percpu_hash, the LRU pair and hash_of_maps. Readers take no lock; writers lock
// one stripe of buckets. Elements live in one block that never moves or shrinks and are linked by number, so
// a reader (or a program that holds a value's address) may meet a reused element but never invalid memory. A
// chain ends in a mark that names its bucket; a reader that was carried into another chain by a reused
// element sees a foreign mark and starts again.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>

#include "maps/map.h"
#include "maps/region.h"
#include "maps/value.h"

namespace osmia::maps {

class SpinLock {
 public:
  void lock() { lock_word(&word_); }
  void unlock() { unlock_word(&word_); }

 private:
  u32 word_ = 0;
};

class HashTable {
 public:
  struct Shape {
    u32 key_size = 0;
    u64 value_bytes = 0;  // the whole value area of an element (all CPUs)
    u32 max_entries = 0;
    bool lru = false;
    bool zero_seed = false;
  };
  static Result<std::unique_ptr<HashTable>> make(const Shape& shape);

  // The value area of the key's element, or null. `touch` counts as use for LRU.
  u8* find(const void* key, bool touch) const;

  // What an update does when it found `old` (null: no such key): fills `fresh` (a new element's value) or, if
  // in_place says so, changes `old` itself.
  struct Update {
    bool in_place = false;  // an existing value is changed, not replaced
    std::function<void(u8* value)>
        fill_new;                            // value area of the new element (bytes of an earlier life in it)
    std::function<void(u8* value)> change;   // in_place only
    std::function<void(u8* value)> dropped;  // the old value, after it was replaced (or evicted by LRU)
  };
  s64 update(const void* key, u64 flags, const Update& u);
  // out: called with the value before it goes; then the element is gone.
  s64 erase(const void* key, const std::function<void(u8*)>& out, const std::function<void(u8*)>& dropped);
  int next_key(const void* key, void* next) const;

  u32 buckets() const { return bucket_mask_ + 1; }
  u32 count() const { return count_.load(std::memory_order_relaxed); }
  // Visits the elements of one bucket under its lock; visit(key, value) true = take the element out.
  // The number of elements in the bucket is given first: room(n) false stops with -ENOSPC.
  int visit_bucket(u32 bucket, const std::function<bool(u32)>& room,
                   const std::function<bool(const u8* key, u8* value)>& visit,
                   const std::function<void(u8*)>& dropped);
  // Visits all without a lock, bucket by bucket; true stops. Gives the number of calls.
  s64 each(const std::function<bool(const u8*, u8*)>& fn) const;

 private:
  struct Header {           // at the start of each element; key (padded to 8) and value follow
    std::atomic<u32> next;  // element number, or kEnd | bucket
    std::atomic<u32> hash;
    std::atomic<u32> state;  // kFree, kLinked; LRU's second chance in kReferenced
    u32 free_next;           // free list, under its lock
  };
  static constexpr u32 kEnd = 0x80000000u;
  static constexpr u32 kFree = 0, kLinked = 1, kReferenced = 2;
  static constexpr u32 kStripeCache = 16;
  struct alignas(64) Stripe {
    SpinLock lock;
    u32 free_head = kEnd;  // elements kept for this stripe's next insertions (not with LRU)
    u32 free_count = 0;
  };

  explicit HashTable(const Shape& shape) : shape_(shape) {}
  Header* at(u32 n) const { return reinterpret_cast<Header*>(elements_.data() + u64{n} * elem_size_); }
  u8* key_of(Header* h) const { return reinterpret_cast<u8*>(h + 1); }
  u8* value_of(Header* h) const { return key_of(h) + key_bytes_; }
  std::atomic<u32>& head(u32 bucket) const {
    return reinterpret_cast<std::atomic<u32>*>(heads_.data())[bucket];
  }
  Stripe& stripe(u32 bucket) const { return stripes_[bucket & stripe_mask_]; }
  u32 hash(const void* key) const;
  u32 find_number(const void* key, u32 h) const;
  u32 first(u32 bucket) const;
  bool is_end(u32 n) const { return n & kEnd; }

  u32 take_free(Stripe& s);          // under s.lock; kEnd = none
  void give_free(Stripe& s, u32 n);  // under s.lock
  u32 take_shared_free();            // kEnd = none
  void give_shared_free(u32 n);
  u32 evict(const std::function<void(u8*)>& dropped);  // under lru_lock_
  u32 take_lru(const std::function<void(u8*)>& dropped);
  void unlink(u32 bucket, u32 n);  // under the bucket's lock
  void link(u32 bucket, u32 n, u32 h);
  s64 update_lru(const void* key, u32 h, u64 flags, const Update& u);

  Shape shape_;
  u64 seed_ = 0;
  u32 key_bytes_ = 0;
  u64 elem_size_ = 0;
  u32 capacity_ = 0;
  u32 bucket_mask_ = 0, stripe_mask_ = 0;
  Region elements_, heads_;
  std::unique_ptr<Stripe[]> stripes_;
  std::atomic<u32> count_{0};
  SpinLock free_lock_;
  u32 free_head_ = kEnd, fresh_ = 0;  // under free_lock_
  SpinLock lru_lock_;
  u32 clock_hand_ = 0;  // under lru_lock_
};

}  // namespace osmia::maps
