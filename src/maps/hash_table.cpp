// The hash table's lists of free elements, its iteration, and eviction.
#include "maps/hash_table.h"

#include <bit>
#include <mutex>
#include <random>

#include "base/bits.h"

namespace osmia::maps {
namespace {

// Threads outside a run share virtual CPU 0; for lists they spread by themselves.
u32 home() {
  const host::RunContext& c = host::run_context();
  if (c.depth) return c.cpu;
  static std::atomic<u32> threads{0};
  thread_local const u32 mine = threads.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

Status HashTable::init(const Shape& shape) {
  shape_ = shape;
  // Linux's limit: the bucket array is counted in 32 bits, 16 bytes each.
  if (shape.max_entries > 1u << 31 || std::bit_ceil(u64{shape.max_entries}) > 0xffffffffull / 16)
    return Error{E2BIG, "hash: max_entries above 2^27"};
  const u32 buckets = std::bit_ceil(shape.max_entries);
  bucket_mask_ = buckets - 1;
  // The heads of a small table lie apart: threads that write different keys would else share their cache
  // lines.
  head_shift_ = buckets <= 8192 ? 5 : buckets <= 65536 ? 4 : 2;
  key_bytes_ = static_cast<u32>(align_up(shape.key_size, 8));
  elem_size_ = sizeof(Header) + key_bytes_ + align_up(shape.value_bytes, 8);
  const u32 cpus = host::nr_cpus();
  list_count_ = shape.lru && !shape.lru_per_cpu ? 1 : std::min(cpus, 64u);
  lists_.reset(new List[list_count_]);
  if (u64{shape.max_entries} > machine_memory() / elem_size_)
    return Error{ENOMEM, "hash: larger than the machine's memory"};
  total_ = shape.max_entries + (shape.lru ? 0 : list_count_);
  OSMIA_ASSIGN(elements_, Region::make(u64{total_} * elem_size_, false, true));
  OSMIA_ASSIGN(heads_, Region::make(u64{buckets} << head_shift_, false, true));
  u32 from = 0;
  for (u32 i = 0; i < list_count_; i++) {
    List& l = lists_[i];
    if (shape.lru) {
      l.first = l.hand = from;
      l.size = shape.max_entries / list_count_ + (i < shape.max_entries % list_count_);
      from += l.size;
    }
    if (!shape.lru) l.spare = shape.max_entries + i;
  }
  if (shape.lru && !shape.lru_per_cpu) caches_.reset(new List[std::min(cpus, 64u)]);
  if (!shape.zero_seed) seed_ = (u64{std::random_device{}()} << 32) | std::random_device{}();
  return Ok{};
}

u32 HashTable::hash_bytes(const void* key) const {
  const u8* k = static_cast<const u8*>(key);
  u64 h = seed_ ^ (shape_.key_size * kOdd2);
  u32 n = shape_.key_size;
  for (; n >= 8; n -= 8, k += 8) h = mix(h ^ load_unaligned<u64>(k), kOdd1);
  if (n) {
    u64 tail = 0;
    std::memcpy(&tail, k, n);
    h = mix(h ^ tail, kOdd2);
  }
  return static_cast<u32>(mix(h, kOdd1) >> 7);
}

HashTable::List& HashTable::my_list() const {
  return lists_[list_count_ == 1 ? 0 : home() % list_count_];
}

// The caller's list, then elements that were never used, then other lists: E2BIG is true only if all are in
// use.
u32 HashTable::take(List& l) {
  {
    std::lock_guard guard(l.lock);
    if (const u32 n = l.pop(*this); n != kNone) return n;
    if (fresh_.load(std::memory_order_relaxed) < shape_.max_entries) {
      const u32 from = fresh_.fetch_add(kFreshBatch, std::memory_order_relaxed);
      const u32 to = std::min(shape_.max_entries, from + kFreshBatch);
      if (from < to) {
        for (u32 n = to; --n > from;) l.push(*this, n);
        return from;
      }
    }
  }
  for (u32 i = 0; i < list_count_; i++) {
    std::lock_guard guard(lists_[i].lock);
    if (const u32 n = lists_[i].pop(*this); n != kNone) return n;
  }
  return kNone;
}

HashTable::List& HashTable::my_cache() const {
  return caches_[home() % std::min(host::nr_cpus(), 64u)];
}

void HashTable::give(u32 n) {
  if (caches_) {
    List& cache = my_cache();
    std::lock_guard guard(cache.lock);
    if (cache.count < kCommonBatch) return cache.push(*this, n);
  }
  List& l = shape_.lru ? lists_[at(n)->list] : my_list();
  std::lock_guard guard(l.lock);
  l.push(*this, n);
}

// Looks at one element and takes it out of the table. Second chance: an element that was used since the hand
// last passed is passed over once; `force` ignores that. kNone: it was used, locked, or on its way elsewhere
// just now.
u32 HashTable::evict(List& l, bool force, FnRef<void(u32)> dropped) {
  const u32 n = l.hand;
  l.hand = n + 1 == l.first + l.size ? l.first : n + 1;
  Header* e = at(n);
  if (!e->linked.load(std::memory_order_relaxed)) return kNone;
  if (e->referenced.load(std::memory_order_relaxed) && !force) {
    e->referenced.store(0, std::memory_order_relaxed);
    return kNone;
  }
  const u32 bucket = e->hash.load(std::memory_order_relaxed) & bucket_mask_;
  if (!try_lock(bucket)) return kNone;
  u32 prev = kNone, i = first(bucket);
  for (; !(i & kEnd) && i != n; i = at(i)->next.load(std::memory_order_relaxed)) prev = i;
  if (i == n) {
    unlink(bucket, {n, prev});
    dropped(n);
  }
  unlock(bucket);
  return i == n ? n : kNone;
}

// Free elements for `to`: what `from` has, never used ones, then evicted ones, in one round of the clock; if
// there was none at all, one that was used. They will be taken in the clock's order, so that the hand meets
// elements in the order in which they were inserted.
void HashTable::refill(List& from, List& to, u32 wanted, FnRef<void(u32)> dropped) {
  u32 got[kCommonBatch], count = 0;
  for (u32 n; count < wanted && &from != &to && (n = from.pop(*this)) != kNone;) got[count++] = n;
  while (count < wanted && from.fresh < from.size) {
    const u32 n = from.first + from.fresh++;
    at(n)->list = static_cast<u16>(&from - lists_.get());
    got[count++] = n;
  }
  for (const bool force : {false, true})
    for (u32 tries = 0; tries < from.size && count < (force ? 1 : wanted); tries++)
      if (const u32 n = evict(from, force, dropped); n != kNone) got[count++] = n;
  while (count) to.push(*this, got[--count]);
}

u32 HashTable::take_lru(FnRef<void(u32)> dropped) {
  Backoff backoff;
  for (u32 round = 0; round < 100000; round++) {
    if (caches_) {
      List& cache = my_cache();
      {
        std::lock_guard guard(cache.lock);
        if (const u32 n = cache.pop(*this); n != kNone) return n;
        std::lock_guard all(lists_[0].lock);
        refill(lists_[0], cache, kCommonBatch, dropped);
        if (const u32 n = cache.pop(*this); n != kNone) return n;
      }
      for (u32 i = 0; i < std::min(host::nr_cpus(), 64u); i++) {
        std::lock_guard guard(caches_[i].lock);
        if (const u32 n = caches_[i].pop(*this); n != kNone) return n;
      }
    } else {
      List& l = my_list();
      std::lock_guard guard(l.lock);
      if (l.head == kNone) refill(l, l, l.fresh < l.size ? 1 : kPerCpuBatch, dropped);
      if (const u32 n = l.pop(*this); n != kNone) return n;
    }
    backoff.wait();  // without a lock: whoever is about to give an element back needs it
  }
  return kNone;
}

s64 HashTable::erase(const void* key, FnRef<void(u32)> out, FnRef<void(u32)> dropped) {
  const u32 h = hash_any(key), bucket = h & bucket_mask_;
  lock(bucket);
  const Found f = find_locked(key, h);
  if (f.n != kNone) {
    out(f.n);
    unlink(bucket, f);
    dropped(f.n);
  }
  unlock(bucket);
  if (f.n == kNone) return -ENOENT;
  give(f.n);
  return 0;
}

bool HashTable::with_locked(const void* key, FnRef<void(u32)> fn) {
  const u32 h = hash_any(key), bucket = h & bucket_mask_;
  lock(bucket);
  const Found f = find_locked(key, h);
  if (f.n != kNone) fn(f.n);
  unlock(bucket);
  return f.n != kNone;
}

int HashTable::next_key(const void* key, void* next) const {
  u32 bucket = 0;
  // Copies the key of n; false if n became another element meanwhile.
  const auto give_key = [&](u32 n) {
    const u32 h = at(n)->hash.load(std::memory_order_acquire);
    load_words(next, key_of(n), shape_.key_size);
    return hash_any(next) == h;
  };
  if (key) {
    const u32 h = hash_any(key), n = find(key);
    if (n != kNone) {
      const u32 after = at(n)->next.load(std::memory_order_acquire);
      if (!(after & kEnd) && give_key(after)) return 0;
      bucket = (h & bucket_mask_) + 1;
    }
  }
  for (; bucket <= bucket_mask_; bucket++) {
    for (u32 tries = 0; tries < 100; tries++) {
      const u32 n = first(bucket);
      if (n & kEnd) break;
      if (give_key(n)) return 0;
    }
  }
  return -ENOENT;
}

int HashTable::visit_bucket(u32 bucket, FnRef<bool(u32)> room, FnRef<bool(u32)> visit,
                            FnRef<void(u32)> dropped) {
  if (bucket > bucket_mask_) return -ENOENT;
  if (first(bucket) & kEnd) return 0;
  lock(bucket);
  u32 total = 0;
  for (u32 n = first(bucket); !(n & kEnd); n = at(n)->next.load(std::memory_order_relaxed)) total++;
  if (total && !room(total)) {
    unlock(bucket);
    return -ENOSPC;
  }
  u32 prev = kNone;
  for (u32 n = first(bucket); !(n & kEnd);) {
    const u32 after = at(n)->next.load(std::memory_order_relaxed);
    if (visit(n)) {
      unlink(bucket, {n, prev});
      dropped(n);
      give(n);
    } else {
      prev = n;
    }
    n = after;
  }
  unlock(bucket);
  return 0;
}

s64 HashTable::each(FnRef<bool(u32)> fn) const {
  s64 calls = 0;
  for (u32 b = 0; b <= bucket_mask_; b++)
    for (u32 n = first(b); !(n & kEnd);) {
      const u32 after = at(n)->next.load(std::memory_order_acquire);  // fn may delete n
      calls++;
      if (fn(n)) return calls;
      n = after;
    }
  return calls;
}

}  // namespace osmia::maps
