// The hash table behind hash, percpu_hash, the LRU pair and hash_of_maps. Readers take no lock and write
// nothing; writers lock one bucket by a bit of its head. Elements live in one block that never moves or
// shrinks and are linked by number, so a reader (or a program that holds a value's address) may meet a reused
// element but never invalid memory. A chain ends in a mark that names its bucket; a reader that was carried
// into another chain by a reused element sees a foreign mark and starts again. Elements that are not in use
// lie in lists, one a virtual CPU, each with a spare: a replaced element becomes the next spare, so that a
// map that is full can still be updated, and never holds more than max_entries. Lock order: a bucket, then a
// list. Whoever holds a list may only try a bucket (eviction does).
#pragma once
#include <atomic>
#include <memory>

#include "host/run_context.h"
#include "maps/fn_ref.h"
#include "maps/region.h"
#include "maps/spin_lock.h"
#include "maps/value.h"

namespace osmia::maps {

class HashTable {
 public:
  struct Shape {
    u32 key_size = 0;
    u64 value_bytes = 0;  // beside the key in each element
    u32 max_entries = 0;
    bool lru = false;
    bool lru_per_cpu = false;  // BPF_F_NO_COMMON_LRU: each CPU has its own max_entries / CPUs elements
    bool zero_seed = false;
  };
  static constexpr u32 kNone = ~0u;

  HashTable() = default;
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;
  Status init(const Shape& shape);  // once, before anything else. Errors: E2BIG, ENOMEM

  // ---- readers. K: the key's size where it is known to the compiler (4, 8, 16), else 0. The element's
  // number or kNone.
  template <u32 K>
  u32 find(const void* key) const {
    return find_hashed<K>(key, hash<K>(key));
  }
  u32 find(const void* key) const {
    switch (shape_.key_size) {
      case 4: return find<4>(key);
      case 8: return find<8>(key);
      case 16: return find<16>(key);
      default: return find<0>(key);
    }
  }
  // A use, as LRU counts them.
  void touch(u32 n) const {
    std::atomic<u8>& r = at(n)->referenced;
    if (!r.load(std::memory_order_relaxed)) r.store(1, std::memory_order_relaxed);
  }
  u8* value_of(u32 n) const { return elements_.data() + u64{n} * elem_size_ + sizeof(Header) + key_bytes_; }
  u8* key_of(u32 n) const { return elements_.data() + u64{n} * elem_size_ + sizeof(Header); }
  u32 elements() const { return total_; }  // numbers are below
  int next_key(const void* key, void* next) const;
  // Visits all without a lock; true stops. Gives the number of calls.
  s64 each(FnRef<bool(u32 n)> fn) const;

  // ---- writers. What an update does:
  //   fill(n)      gives a new element its value (bytes of an earlier life are in it);
  //   change(n)    alters the existing element instead, if in_place;
  //   dropped(n)   lets go of what a replaced, deleted or evicted element held. It runs under the bucket's
  //   lock.
  // Gives 0, -EEXIST, -ENOENT, -E2BIG, or -ENOMEM (LRU: nothing could be evicted).
  template <class Fill, class Change, class Dropped>
  s64 update(const void* key, u64 mode, bool in_place, Fill fill, Change change, Dropped dropped);
  s64 erase(const void* key, FnRef<void(u32 n)> out, FnRef<void(u32 n)> dropped);
  // Calls fn with the key's element under its bucket's lock: nobody replaces it meanwhile. False: no such
  // key.
  bool with_locked(const void* key, FnRef<void(u32 n)> fn);

  u32 buckets() const { return bucket_mask_ + 1; }
  // Visits the elements of one bucket under its lock; visit(n) true = take the element out. The number of
  // elements in the bucket is given first: room(count) false stops with -ENOSPC.
  int visit_bucket(u32 bucket, FnRef<bool(u32 count)> room, FnRef<bool(u32 n)> visit,
                   FnRef<void(u32 n)> dropped);

 private:
  struct Header {           // at the start of each element; key (padded to 8) and value follow
    std::atomic<u32> next;  // element number, or kEnd | bucket
    std::atomic<u32> hash;
    u32 free_next;           // under its list's lock
    u16 list;                // whose element it is (LRU)
    std::atomic<u8> linked;  // in a chain
    std::atomic<u8> referenced;
  };
  static_assert(sizeof(Header) == 16);
  static constexpr u32 kEnd = 0x80000000u, kLocked = 0x80000000u;
  static constexpr u32 kFreshBatch = 32;
  struct alignas(64) List {
    SpinLock lock;
    u32 head = kNone;
    u32 count = 0;
    u32 spare = kNone;  // not LRU
    // LRU: this list's elements are [first, first + size), `fresh` of them were ever used, the clock's hand.
    u32 first = 0, size = 0, fresh = 0, hand = 0;

    u32 pop(const HashTable& t) {  // under lock
      const u32 n = head;
      if (n != kNone) {
        head = t.at(n)->free_next;
        count--;
      }
      return n;
    }
    void push(const HashTable& t, u32 n) {  // under lock
      t.at(n)->free_next = head;
      head = n;
      count++;
    }
  };
  // How many elements an LRU list is asked for at once: Linux's numbers, since they show in what is evicted
  // when.
  static constexpr u32 kCommonBatch = 128, kPerCpuBatch = 4;
  struct Found {
    u32 n, prev;  // kNone: not there; first in its chain
  };

  static u64 mix(u64 a, u64 b) {
    __extension__ using u128 = unsigned __int128;
    const u128 p = static_cast<u128>(a) * b;
    return static_cast<u64>(p) ^ static_cast<u64>(p >> 64);
  }
  static constexpr u64 kOdd1 = 0x9e3779b97f4a7c15ull, kOdd2 = 0xd1b54a32d192ed03ull;
  template <u32 K>
  u32 hash(const void* key) const {
    if constexpr (K == 4) {
      return static_cast<u32>(mix(load_unaligned<u32>(key) ^ seed_, kOdd1));
    } else if constexpr (K == 8) {
      return static_cast<u32>(mix(load_unaligned<u64>(key) ^ seed_, kOdd1));
    } else if constexpr (K == 16) {
      const u64 a = load_unaligned<u64>(key), b = load_unaligned<u64>(static_cast<const u8*>(key) + 8);
      return static_cast<u32>(mix(mix(a ^ seed_, kOdd1) ^ b, kOdd2));
    } else {
      return hash_bytes(key);
    }
  }
  u32 hash_any(const void* key) const {
    switch (shape_.key_size) {
      case 4: return hash<4>(key);
      case 8: return hash<8>(key);
      case 16: return hash<16>(key);
      default: return hash_bytes(key);
    }
  }
  u32 hash_bytes(const void* key) const;
  template <u32 K>
  bool equal(u32 n, const void* key) const {
    const u8* k = key_of(n);
    if constexpr (K == 4) {
      return __atomic_load_n(reinterpret_cast<const u32*>(k), __ATOMIC_RELAXED) == load_unaligned<u32>(key);
    } else if constexpr (K == 8) {
      return __atomic_load_n(reinterpret_cast<const u64*>(k), __ATOMIC_RELAXED) == load_unaligned<u64>(key);
    } else {
      return equal_words(k, key, K ? K : shape_.key_size);
    }
  }
  bool equal_any(u32 n, const void* key) const {
    return shape_.key_size == 8   ? equal<8>(n, key)
           : shape_.key_size == 4 ? equal<4>(n, key)
                                  : equal<0>(n, key);
  }
  template <u32 K>
  u32 find_hashed(const void* key, u32 h) const {
    const u32 bucket = h & bucket_mask_;
    for (;;) {
      u32 n = first(bucket);
      while (!(n & kEnd)) {
        const Header* e = at(n);
        if (e->hash.load(std::memory_order_relaxed) == h && equal<K>(n, key)) return n;
        n = e->next.load(std::memory_order_acquire);
      }
      if (n == (kEnd | bucket)) return kNone;
    }
  }

  Header* at(u32 n) const { return reinterpret_cast<Header*>(elements_.data() + u64{n} * elem_size_); }
  std::atomic<u32>& head(u32 bucket) const {
    return *reinterpret_cast<std::atomic<u32>*>(heads_.data() + (u64{bucket} << head_shift_));
  }
  // A head of zero is an empty bucket (fresh memory); else it is an element number plus one, and the lock.
  static u32 first_of(u32 head_word, u32 bucket) {
    const u32 v = head_word & ~kLocked;
    return v ? v - 1 : kEnd | bucket;
  }
  static u32 word_of(u32 n) { return n & kEnd ? 0 : n + 1; }
  u32 first(u32 bucket) const { return first_of(head(bucket).load(std::memory_order_acquire), bucket); }

  bool try_lock(u32 bucket) {
    u32 v = head(bucket).load(std::memory_order_relaxed);
    return !(v & kLocked) && head(bucket).compare_exchange_strong(v, v | kLocked, std::memory_order_acquire,
                                                                  std::memory_order_relaxed);
  }
  void lock(u32 bucket) {
    if (try_lock(bucket)) return;
    Backoff backoff;
    do backoff.wait();
    while (!try_lock(bucket));
  }
  void unlock(u32 bucket) {
    std::atomic<u32>& h = head(bucket);
    h.store(h.load(std::memory_order_relaxed) & ~kLocked, std::memory_order_release);
  }
  // The rest under the bucket's lock.
  Found find_locked(const void* key, u32 h) const {
    u32 prev = kNone;
    for (u32 n = first(h & bucket_mask_); !(n & kEnd); n = at(n)->next.load(std::memory_order_relaxed)) {
      if (at(n)->hash.load(std::memory_order_relaxed) == h && equal_any(n, key)) return {n, prev};
      prev = n;
    }
    return {kNone, kNone};
  }
  void link(u32 bucket, u32 n, u32 h) {
    Header* e = at(n);
    e->hash.store(h, std::memory_order_relaxed);
    e->next.store(first(bucket), std::memory_order_release);
    e->referenced.store(0, std::memory_order_relaxed);
    e->linked.store(1, std::memory_order_relaxed);
    head(bucket).store((n + 1) | kLocked, std::memory_order_release);
  }
  void unlink(u32 bucket, Found f) {
    const u32 next = at(f.n)->next.load(std::memory_order_relaxed);
    if (f.prev == kNone)
      head(bucket).store(word_of(next) | kLocked, std::memory_order_release);
    else
      at(f.prev)->next.store(next, std::memory_order_release);
    at(f.n)->linked.store(0, std::memory_order_relaxed);
  }

  List& my_list() const;
  List& my_cache() const;
  u32 take(List& l);  // takes l.lock; kNone: no element is left anywhere
  void give(u32 n);   // to the caller's list, or the LRU list that it came from
  u32 evict(List& l, bool force, FnRef<void(u32)> dropped);                 // under l.lock
  void refill(List& from, List& to, u32 wanted, FnRef<void(u32)> dropped);  // under both locks
  u32 take_lru(FnRef<void(u32)> dropped);
  template <class Fill, class Change, class Dropped>
  s64 update_lru(const void* key, u32 h, u64 mode, bool in_place, Fill fill, Change change, Dropped dropped);
  // Puts a new element in place of `old`, by way of a list's spare.
  template <class Fill, class Dropped>
  void replace(const void* key, u32 h, Found old, Fill fill, Dropped dropped);
  void store_key(u32 n, const void* key) {
    if (shape_.key_size == 8)
      __atomic_store_n(reinterpret_cast<u64*>(key_of(n)), load_unaligned<u64>(key), __ATOMIC_RELAXED);
    else
      store_words(key_of(n), key, shape_.key_size);
  }

  // What readers need comes first, on one cache line.
  Region elements_, heads_;
  u64 elem_size_ = 0, seed_ = 0;
  u32 bucket_mask_ = 0, key_bytes_ = 0, head_shift_ = 2;
  Shape shape_;
  u32 total_ = 0;
  u32 list_count_ = 0;
  std::unique_ptr<List[]> lists_;          // of free elements; LRU: of all elements, one or one a CPU
  std::unique_ptr<List[]> caches_;         // LRU that is common: free elements at hand, one a CPU
  alignas(64) std::atomic<u32> fresh_{0};  // elements that no list ever had start here
};

template <class Fill, class Dropped>
void HashTable::replace(const void* key, u32 h, Found old, Fill fill, Dropped dropped) {
  const u32 bucket = h & bucket_mask_;
  List& l = my_list();
  std::lock_guard guard(l.lock);
  const u32 n = l.spare;
  store_key(n, key);
  fill(n);
  link(bucket, n, h);  // readers find the new one before the old one goes
  if (old.prev == kNone) old.prev = n;
  unlink(bucket, old);
  dropped(old.n);
  l.spare = old.n;
}

template <class Fill, class Change, class Dropped>
s64 HashTable::update(const void* key, u64 mode, bool in_place, Fill fill, Change change, Dropped dropped) {
  constexpr u64 kNoExist = 1, kExist = 2;
  const u32 h = hash_any(key), bucket = h & bucket_mask_;
  if (shape_.lru) return update_lru(key, h, mode, in_place, fill, change, dropped);
  lock(bucket);
  const Found old = find_locked(key, h);
  s64 err = 0;
  if (old.n != kNone) {
    if (mode == kNoExist)
      err = -EEXIST;
    else if (in_place)
      change(old.n);
    else
      replace(key, h, old, fill, dropped);
  } else if (mode == kExist) {
    err = -ENOENT;
  } else if (const u32 n = take(my_list()); n == kNone) {
    err = -E2BIG;
  } else {
    store_key(n, key);
    fill(n);
    link(bucket, n, h);
  }
  unlock(bucket);
  return err;
}

// As on Linux, a new element is taken first, whatever then happens: that may evict, even the key itself.
template <class Fill, class Change, class Dropped>
s64 HashTable::update_lru(const void* key, u32 h, u64 mode, bool in_place, Fill fill, Change change,
                          Dropped dropped) {
  constexpr u64 kNoExist = 1, kExist = 2;
  const u32 bucket = h & bucket_mask_;
  u32 n = kNone;
  if (!in_place || mode != kExist) {
    n = take_lru(dropped);
    if (n == kNone) return -ENOMEM;
    store_key(n, key);
    fill(n);
  }
  lock(bucket);
  const Found old = find_locked(key, h);
  s64 err = 0;
  u32 unused = n;
  if (old.n != kNone && mode == kNoExist) {
    err = -EEXIST;
  } else if (old.n == kNone && mode == kExist) {
    err = -ENOENT;
  } else if (old.n != kNone && in_place) {
    touch(old.n);
    change(old.n);
  } else {
    link(bucket, n, h);
    unused = old.n;
    if (old.n != kNone) {
      touch(n);
      unlink(bucket, {old.n, old.prev == kNone ? n : old.prev});
    }
  }
  if (unused != kNone) dropped(unused);
  unlock(bucket);
  if (unused != kNone) give(unused);
  return err;
}

}  // namespace osmia::maps
