// Lock order: lru_lock_ before a stripe's lock before free_lock_. Two stripes are never held at once.
#include "maps/hash_table.h"

#include <linux/bpf.h>

#include <bit>
#include <random>

#include "base/bits.h"

namespace osmia::maps {
namespace {

u64 mix(u64 a, u64 b) {
  const unsigned __int128 p = static_cast<unsigned __int128>(a) * b;
  return static_cast<u64>(p) ^ static_cast<u64>(p >> 64);
}
constexpr u64 kOdd1 = 0x9e3779b97f4a7c15ull, kOdd2 = 0xd1b54a32d192ed03ull;

}  // namespace

Result<std::unique_ptr<HashTable>> HashTable::make(const Shape& shape) {
  std::unique_ptr<HashTable> t(new HashTable(shape));
  // Linux's limit: the bucket array is counted in 32 bits, 16 bytes each.
  if (shape.max_entries > 1u << 31 || std::bit_ceil(u64{shape.max_entries}) > 0xffffffffull / 16)
    return Error{E2BIG, "hash: max_entries above 2^27"};
  const u32 buckets = std::bit_ceil(shape.max_entries);
  t->bucket_mask_ = buckets - 1;
  const u32 stripes = buckets < 256 ? buckets : 256;
  t->stripe_mask_ = stripes - 1;
  t->stripes_.reset(new Stripe[stripes]);
  t->key_bytes_ = static_cast<u32>(align_up(shape.key_size, 8));
  t->elem_size_ = sizeof(Header) + t->key_bytes_ + align_up(shape.value_bytes, 8);
  // Room for what stripes hold back and for elements that are being replaced.
  t->capacity_ = shape.max_entries + (shape.lru ? 128 : stripes * (kStripeCache + 2));
  if (u64{shape.max_entries} > machine_memory() / t->elem_size_)
    return Error{ENOMEM, "hash: larger than the machine's memory"};
  OSMIA_ASSIGN(t->elements_, Region::make(std::min(u64{t->capacity_} * t->elem_size_, machine_memory())));
  OSMIA_ASSIGN(t->heads_, Region::make(u64{buckets} * 4));
  t->capacity_ = static_cast<u32>(t->elements_.size() / t->elem_size_);
  if (!shape.zero_seed) t->seed_ = (u64{std::random_device{}()} << 32) | std::random_device{}();
  return t;
}

u32 HashTable::hash(const void* key) const {
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

// A head of zero is an empty bucket (fresh memory); else it is an element number plus one.
u32 HashTable::first(u32 bucket) const {
  const u32 v = head(bucket).load(std::memory_order_acquire);
  return v ? v - 1 : kEnd | bucket;
}

u32 HashTable::find_number(const void* key, u32 h) const {
  const u32 bucket = h & bucket_mask_;
  for (;;) {
    u32 n = first(bucket);
    while (!is_end(n)) {
      Header* e = at(n);
      if (e->hash.load(std::memory_order_relaxed) == h && equal_words(key_of(e), key, shape_.key_size))
        return n;
      n = e->next.load(std::memory_order_acquire);
    }
    if (n == (kEnd | bucket)) return n;
  }
}

u8* HashTable::find(const void* key, bool touch) const {
  const u32 n = find_number(key, hash(key));
  if (is_end(n)) return nullptr;
  Header* e = at(n);
  if (touch && shape_.lru && e->state.load(std::memory_order_relaxed) == kLinked) {
    u32 linked = kLinked;
    e->state.compare_exchange_strong(linked, kReferenced, std::memory_order_relaxed);
  }
  return value_of(e);
}

u32 HashTable::take_shared_free() {
  std::lock_guard lock(free_lock_);
  if (free_head_ != kEnd) {
    const u32 n = free_head_;
    free_head_ = at(n)->free_next;
    return n;
  }
  return fresh_ < capacity_ ? fresh_++ : kEnd;
}
void HashTable::give_shared_free(u32 n) {
  std::lock_guard lock(free_lock_);
  at(n)->free_next = free_head_;
  free_head_ = n;
}

u32 HashTable::take_free(Stripe& s) {
  if (s.free_head != kEnd) {
    const u32 n = s.free_head;
    s.free_head = at(n)->free_next;
    s.free_count--;
    return n;
  }
  return take_shared_free();
}
void HashTable::give_free(Stripe& s, u32 n) {
  at(n)->state.store(kFree, std::memory_order_relaxed);
  if (s.free_count >= kStripeCache) return give_shared_free(n);
  at(n)->free_next = s.free_head;
  s.free_head = n;
  s.free_count++;
}

void HashTable::link(u32 bucket, u32 n, u32 h) {
  Header* e = at(n);
  e->hash.store(h, std::memory_order_relaxed);
  e->next.store(first(bucket), std::memory_order_release);
  e->state.store(kLinked, std::memory_order_relaxed);
  head(bucket).store(n + 1, std::memory_order_release);
}

void HashTable::unlink(u32 bucket, u32 n) {
  const u32 next = at(n)->next.load(std::memory_order_relaxed);
  u32 prev = first(bucket);
  if (prev == n) {
    head(bucket).store(is_end(next) ? 0 : next + 1, std::memory_order_release);
  } else {
    for (;;) {
      const u32 after = at(prev)->next.load(std::memory_order_relaxed);
      if (after == n) break;
      prev = after;
    }
    at(prev)->next.store(next, std::memory_order_release);
  }
  at(n)->state.store(kFree, std::memory_order_relaxed);
}

s64 HashTable::update(const void* key, u64 flags, const Update& u) {
  const u64 mode = flags & ~u64{BPF_F_LOCK};
  const u32 h = hash(key);
  if (shape_.lru) return update_lru(key, h, mode, u);
  const u32 bucket = h & bucket_mask_;
  Stripe& s = stripe(bucket);
  u32 old;
  {
    std::lock_guard lock(s.lock);
    old = find_number(key, h);
    if (!is_end(old) && mode == BPF_NOEXIST) return -EEXIST;
    if (is_end(old) && mode == BPF_EXIST) return -ENOENT;
    if (!is_end(old) && u.in_place) {
      u.change(value_of(at(old)));
      return 0;
    }
    if (is_end(old) && count_.fetch_add(1, std::memory_order_relaxed) >= shape_.max_entries) {
      count_.fetch_sub(1, std::memory_order_relaxed);
      return -E2BIG;
    }
    const u32 n = take_free(s);
    if (n == kEnd) {
      if (is_end(old)) count_.fetch_sub(1, std::memory_order_relaxed);
      return -ENOMEM;
    }
    store_words(key_of(at(n)), key, shape_.key_size);
    u.fill_new(value_of(at(n)));
    link(bucket, n, h);
    if (!is_end(old)) {
      unlink(bucket, old);
      if (u.dropped) u.dropped(value_of(at(old)));
      give_free(s, old);
    }
  }
  return 0;
}

// Second chance: an element that was used since the hand last passed is passed over once.
u32 HashTable::evict(const std::function<void(u8*)>& dropped) {
  const u32 made = [&] {
    std::lock_guard lock(free_lock_);
    return fresh_;
  }();
  for (u64 tries = 0; tries < u64{made} * 3; tries++) {
    clock_hand_ = clock_hand_ + 1 >= made ? 0 : clock_hand_ + 1;
    Header* e = at(clock_hand_);
    u32 state = e->state.load(std::memory_order_relaxed);
    if (state == kReferenced) e->state.compare_exchange_strong(state, kLinked, std::memory_order_relaxed);
    if (state != kLinked) continue;
    const u32 bucket = e->hash.load(std::memory_order_relaxed) & bucket_mask_;
    std::lock_guard lock(stripe(bucket).lock);
    if (e->state.load(std::memory_order_relaxed) == kFree ||
        (e->hash.load(std::memory_order_relaxed) & bucket_mask_) != bucket)
      continue;
    unlink(bucket, clock_hand_);
    count_.fetch_sub(1, std::memory_order_relaxed);
    if (dropped) dropped(value_of(e));
    return clock_hand_;
  }
  return kEnd;
}

u32 HashTable::take_lru(const std::function<void(u8*)>& dropped) {
  std::lock_guard lock(lru_lock_);
  if (count_.load(std::memory_order_relaxed) >= shape_.max_entries) {
    const u32 n = evict(dropped);
    if (n != kEnd) return n;
  }
  return take_shared_free();
}

s64 HashTable::update_lru(const void* key, u32 h, u64 mode, const Update& u) {
  const u32 bucket = h & bucket_mask_;
  Stripe& s = stripe(bucket);
  if (u.in_place || mode == BPF_EXIST || mode == BPF_NOEXIST) {  // what needs no new element
    std::lock_guard lock(s.lock);
    const u32 old = find_number(key, h);
    if (is_end(old) && mode == BPF_EXIST) return -ENOENT;
    if (!is_end(old) && mode == BPF_NOEXIST) return -EEXIST;
    if (!is_end(old) && u.in_place) {
      at(old)->state.store(kReferenced, std::memory_order_relaxed);
      u.change(value_of(at(old)));
      return 0;
    }
  }
  const bool replaces = !u.in_place && find(key, false);  // then the old one makes room itself
  const u32 n = replaces ? take_shared_free() : take_lru(u.dropped);
  if (n == kEnd) return -ENOMEM;
  store_words(key_of(at(n)), key, shape_.key_size);
  u.fill_new(value_of(at(n)));
  u32 old = kEnd;
  s64 err = 0;
  {
    std::lock_guard lock(s.lock);
    old = find_number(key, h);
    if (!is_end(old) && mode == BPF_NOEXIST)
      err = -EEXIST;
    else if (is_end(old) && mode == BPF_EXIST)
      err = -ENOENT;
    else {
      link(bucket, n, h);
      if (is_end(old)) {
        count_.fetch_add(1, std::memory_order_relaxed);
      } else {
        at(n)->state.store(kReferenced, std::memory_order_relaxed);
        unlink(bucket, old);
        if (u.dropped) u.dropped(value_of(at(old)));
      }
    }
  }
  if (err) {
    at(n)->state.store(kFree, std::memory_order_relaxed);
    give_shared_free(n);
  } else if (!is_end(old)) {
    give_shared_free(old);
  }
  return err;
}

s64 HashTable::erase(const void* key, const std::function<void(u8*)>& out,
                     const std::function<void(u8*)>& dropped) {
  const u32 h = hash(key), bucket = h & bucket_mask_;
  Stripe& s = stripe(bucket);
  std::lock_guard lock(s.lock);
  const u32 n = find_number(key, h);
  if (is_end(n)) return -ENOENT;
  if (out) out(value_of(at(n)));
  unlink(bucket, n);
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (dropped) dropped(value_of(at(n)));
  if (shape_.lru)
    give_shared_free(n);
  else
    give_free(s, n);
  return 0;
}

int HashTable::next_key(const void* key, void* next) const {
  u32 bucket = 0;
  if (key) {
    const u32 h = hash(key), n = find_number(key, h);
    if (!is_end(n)) {
      const u32 after = at(n)->next.load(std::memory_order_acquire);
      if (!is_end(after)) {
        load_words(next, key_of(at(after)), shape_.key_size);
        return 0;
      }
      bucket = (h & bucket_mask_) + 1;
    }
  }
  for (; bucket <= bucket_mask_; bucket++) {
    const u32 n = first(bucket);
    if (is_end(n)) continue;
    load_words(next, key_of(at(n)), shape_.key_size);
    return 0;
  }
  return -ENOENT;
}

int HashTable::visit_bucket(u32 bucket, const std::function<bool(u32)>& room,
                            const std::function<bool(const u8*, u8*)>& visit,
                            const std::function<void(u8*)>& dropped) {
  if (bucket > bucket_mask_) return -ENOENT;
  Stripe& s = stripe(bucket);
  std::lock_guard lock(s.lock);
  u32 total = 0;
  for (u32 n = first(bucket); !is_end(n); n = at(n)->next.load(std::memory_order_relaxed)) total++;
  if (total && !room(total)) return -ENOSPC;
  for (u32 n = first(bucket); !is_end(n);) {
    const u32 after = at(n)->next.load(std::memory_order_relaxed);
    if (visit(key_of(at(n)), value_of(at(n)))) {
      unlink(bucket, n);
      count_.fetch_sub(1, std::memory_order_relaxed);
      if (dropped) dropped(value_of(at(n)));
      if (shape_.lru)
        give_shared_free(n);
      else
        give_free(s, n);
    }
    n = after;
  }
  return 0;
}

s64 HashTable::each(const std::function<bool(const u8*, u8*)>& fn) const {
  s64 calls = 0;
  for (u32 b = 0; b <= bucket_mask_; b++)
    for (u32 n = first(b); !is_end(n); n = at(n)->next.load(std::memory_order_acquire)) {
      calls++;
      if (fn(key_of(at(n)), value_of(at(n)))) return calls;
    }
  return calls;
}

}  // namespace osmia::maps
