// Changing and walking the trie. All under lock_, except what readers do (see the header).
#include "maps/prefix_trie.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

#include "maps/value.h"

namespace osmia::maps {

Status PrefixTrie::init(u32 key_size, u32 value_size, u32 max_entries) {
  data_bytes_ = key_size - 4;
  max_length_ = data_bytes_ * 8;
  words_ = (data_bytes_ + 7) / 8;
  value_size_ = value_size;
  max_entries_ = max_entries;
  node_size_ = static_cast<u32>(sizeof(Node) + words_ * 8 + align_up(value_size, 8));
  node_size_ = static_cast<u32>(align_up(node_size_, 8));
  if (max_entries > machine_memory() / node_size_)
    return Error{ENOMEM, "lpm_trie: larger than the machine's memory"};
  // Each prefix may need a fork; as many nodes may wait for their grace period.
  const u64 nodes =
      std::min(4 * u64{max_entries} + 1024, std::min<u64>(machine_memory() / node_size_, 1u << 31));
  capacity_ = static_cast<u32>(nodes);
  OSMIA_ASSIGN(nodes_, Region::make(nodes * node_size_, false, true));
  slotted_ = max_entries >= 256 && max_length_ >= kSlotBits;
  if (slotted_) {
    OSMIA_ASSIGN(slots_, Region::make(8u << kSlotBits));
    OSMIA_ASSIGN(shorts_, Region::make(4u << kSlotBits));
  }
  return Ok{};
}

void PrefixTrie::load_key(const void* key, u64* bits) const {
  const u8* d = static_cast<const u8*>(key) + 4;
  u32 left = data_bytes_;
  for (u32 i = 0; i < words_; i++, d += 8) {
    u64 w = 0;
    std::memcpy(&w, d, std::min(left, 8u));
    bits[i] = __builtin_bswap64(w);
    left -= std::min(left, 8u);
  }
}

u32 PrefixTrie::common(const u64* a, u32 n, u32 limit) const {
  const u64* b = bits_of(n);
  for (u32 i = 0; i < words_; i++)
    if (const u64 x = a[i] ^ b[i]) return std::min(limit, i * 64 + static_cast<u32>(__builtin_clzll(x)));
  return limit;
}

void PrefixTrie::set_root(u32 i, u32 n) {
  if (!slotted_) return root_.store(n, std::memory_order_release);
  const u64 best = slot(i).load(std::memory_order_relaxed) & 0xffffffff;
  slot(i).store(best | u64{n} << 32, std::memory_order_release);
}

// What waited for its grace period becomes free; what was retired since then begins to wait.
void PrefixTrie::reclaim() {
  if (!grace_.over()) return;
  free_.insert(free_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  if (retired_.empty()) return;
  waiting_.swap(retired_);
  grace_.begin();
}

void PrefixTrie::retire(u32 n) {
  retired_.push_back(n);
  if (retired_.size() >= 512) reclaim();
}

u32 PrefixTrie::make_node() {
  if (free_.empty()) {
    if (used_ < capacity_) return used_++;
    reclaim();
    if (free_.empty()) reclaim();
    // A run that goes on and on keeps them all: it can no longer walk through them if it is this thread's
    // own.
    if (free_.empty() && grace_.over(true)) free_.swap(waiting_);
    if (free_.empty()) return 0;
  }
  const u32 n = free_.back();
  free_.pop_back();
  return n;
}

u32 PrefixTrie::fresh_node(const u64* bits, u32 length, const void* value) {
  const u32 n = make_node();
  if (!n) return 0;
  Node* node = at(n);
  node->child[0].store(0, std::memory_order_relaxed);
  node->child[1].store(0, std::memory_order_relaxed);
  node->length = static_cast<u16>(length);
  node->real.store(value != nullptr, std::memory_order_relaxed);
  std::memcpy(bits_of(n), bits, words_ * 8);
  if (value) store_words(value_of(n), value, value_size_);
  return n;
}

s64 PrefixTrie::may_add(u64 flags) const {
  if (flags == BPF_EXIST) return -ENOENT;
  return count_ >= max_entries_ ? -ENOSPC : 0;
}

s64 PrefixTrie::update(const void* key, const void* value, u64 flags) {
  const u32 length = load_unaligned<u32>(key);
  if (length > max_length_) return -EINVAL;
  u64 bits[kMaxWords];
  load_key(key, bits);
  std::lock_guard guard(lock_);
  if (!slotted_) return update_trie(0, bits, length, value, flags);
  if (length < kSlotBits) return update_short(bits, length, value, flags);
  return update_trie(static_cast<u32>(bits[0] >> (64 - kSlotBits)), bits, length, value, flags);
}

s64 PrefixTrie::update_trie(u32 index, const u64* bits, u32 length, const void* value, u64 flags) {
  u32 parent = 0, side = 0, n = root(index), same = 0;
  for (; n; n = at(n)->child[side].load(std::memory_order_relaxed)) {
    const u32 l = at(n)->length;
    same = common(bits, n, std::min(l, length));
    if (same < l || l == length) break;
    parent = n;
    side = bit(bits, l);
  }
  const auto publish = [&](u32 fresh) {
    if (parent)
      at(parent)->child[side].store(fresh, std::memory_order_release);
    else
      set_root(index, fresh);
  };
  const bool here = n && same == at(n)->length && at(n)->length == length;
  const bool exists = here && at(n)->real.load(std::memory_order_relaxed);
  if (exists && flags == BPF_NOEXIST) return -EEXIST;
  if (!exists)
    if (const s64 err = may_add(flags)) return err;
  const u32 fresh = fresh_node(bits, length, value);
  if (!fresh) return -ENOMEM;
  if (here) {
    for (int i = 0; i < 2; i++)
      at(fresh)->child[i].store(at(n)->child[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
    publish(fresh);
    retire(n);
  } else if (!n) {
    publish(fresh);
  } else if (same == length) {  // the new prefix lies above n
    at(fresh)->child[bit(bits_of(n), length)].store(n, std::memory_order_relaxed);
    publish(fresh);
  } else {
    const u32 fork = fresh_node(bits, same, nullptr);
    if (!fork) {
      free_.push_back(fresh);
      return -ENOMEM;
    }
    at(fork)->child[bit(bits, same)].store(fresh, std::memory_order_relaxed);
    at(fork)->child[!bit(bits, same)].store(n, std::memory_order_relaxed);
    publish(fork);
  }
  count_ += !exists;
  return 0;
}

// In the slots that the prefix covers, `to` takes the place of `from`, and of whatever is less specific.
void PrefixTrie::cover(u64 first_word, u32 length, u32 from, u32 to) {
  const u32 many = 1u << (kSlotBits - length);
  const u32 first = length ? static_cast<u32>(first_word >> (64 - length)) << (kSlotBits - length) : 0;
  for (u32 i = first; i < first + many; i++) {
    const u64 s = slot(i).load(std::memory_order_relaxed);
    const u32 best = static_cast<u32>(s);
    if (best == from || (to && at(to)->length == length && (!best || at(best)->length < length)))
      slot(i).store((s & ~u64{0xffffffff}) | to, std::memory_order_release);
  }
}

s64 PrefixTrie::update_short(const u64* bits, u32 length, const void* value, u64 flags) {
  std::atomic<u32>& place = short_at(bits[0], length);
  const u32 old = place.load(std::memory_order_relaxed);
  if (old && flags == BPF_NOEXIST) return -EEXIST;
  if (!old)
    if (const s64 err = may_add(flags)) return err;
  const u32 fresh = fresh_node(bits, length, value);
  if (!fresh) return -ENOMEM;
  place.store(fresh, std::memory_order_release);
  cover(bits[0], length, old ? old : ~0u, fresh);
  if (old) retire(old);
  count_ += !old;
  return 0;
}

s64 PrefixTrie::erase(const void* key) {
  const u32 length = load_unaligned<u32>(key);
  if (length > max_length_) return -EINVAL;
  u64 bits[kMaxWords];
  load_key(key, bits);
  std::lock_guard guard(lock_);
  if (!slotted_) return erase_trie(0, bits, length);
  if (length < kSlotBits) return erase_short(bits, length);
  return erase_trie(static_cast<u32>(bits[0] >> (64 - kSlotBits)), bits, length);
}

s64 PrefixTrie::erase_short(const u64* bits, u32 length) {
  std::atomic<u32>& place = short_at(bits[0], length);
  const u32 old = place.load(std::memory_order_relaxed);
  if (!old) return -ENOENT;
  place.store(0, std::memory_order_release);
  cover(bits[0], length, old, covering(bits[0], static_cast<int>(length) - 1));
  retire(old);
  count_--;
  return 0;
}

s64 PrefixTrie::erase_trie(u32 index, const u64* bits, u32 length) {
  u32 above = 0, parent = 0, above_side = 0, side = 0, n = root(index);
  for (; n; n = at(n)->child[side].load(std::memory_order_relaxed)) {
    const u32 l = at(n)->length;
    if (l > length || common(bits, n, l) < l) return -ENOENT;
    if (l == length) break;
    above = parent;
    above_side = side;
    parent = n;
    side = bit(bits, l);
  }
  if (!n || !at(n)->real.load(std::memory_order_relaxed)) return -ENOENT;
  const auto put = [&](u32 where, u32 s, u32 what) {
    if (where)
      at(where)->child[s].store(what, std::memory_order_release);
    else
      set_root(index, what);
  };
  const u32 a = at(n)->child[0].load(std::memory_order_relaxed),
            b = at(n)->child[1].load(std::memory_order_relaxed);
  count_--;
  if (a && b) {  // it stays as a fork
    at(n)->real.store(0, std::memory_order_relaxed);
    return 0;
  }
  if (!a && !b && parent && !at(parent)->real.load(std::memory_order_relaxed)) {
    // A fork with one way left is none: the other way takes its place.
    put(above, above_side, at(parent)->child[!side].load(std::memory_order_relaxed));
    retire(parent);
  } else {
    put(parent, side, a ? a : b);
  }
  retire(n);
  return 0;
}

bool PrefixTrie::with_value(const void* key, FnRef<void(void*)> fn) {
  std::lock_guard guard(lock_);
  void* v = find(key);
  if (v) fn(v);
  return v;
}

u32 PrefixTrie::first_in(u32 n) const {
  for (;;) {
    const u32 a = at(n)->child[0].load(std::memory_order_relaxed),
              b = at(n)->child[1].load(std::memory_order_relaxed);
    if (!a && !b) return n;
    n = a ? a : b;
  }
}

u32 PrefixTrie::after_in_trie(u32 index, const u64* bits, u32 length, bool* found) const {
  // The lowest place on the way to the key where something still follows: a right way not taken, or the node.
  u32 best = 0, n = root(index);
  bool below = false;
  while (n) {
    const u32 l = at(n)->length;
    if (l > length || common(bits, n, l) < l) return 0;
    if (l == length) break;
    const bool side = bit(bits, l);
    const u32 right = at(n)->child[1].load(std::memory_order_relaxed);
    if (!side && right)
      best = right, below = true;
    else if (at(n)->real.load(std::memory_order_relaxed))
      best = n, below = false;
    n = at(n)->child[side].load(std::memory_order_relaxed);
  }
  if (!n || !at(n)->real.load(std::memory_order_relaxed)) return 0;
  *found = true;
  return best && below ? first_in(best) : best;
}

u32 PrefixTrie::shorts_ending(u32 i, int below_length) const {
  const u64 word = u64{i} << (64 - kSlotBits);
  for (int l = below_length - 1; l >= 0; l--) {
    if (~i & ((1u << (kSlotBits - l)) - 1)) break;  // i is not the last slot of its block of this length
    if (const u32 n = short_at(word, static_cast<u32>(l)).load(std::memory_order_relaxed)) return n;
  }
  return 0;
}

u32 PrefixTrie::first_from_slot(u32 i) const {
  for (; i < 1u << kSlotBits; i++) {
    if (const u32 r = root(i)) return first_in(r);
    if (const u32 n = shorts_ending(i, kSlotBits)) return n;
  }
  return 0;
}

int PrefixTrie::next_key(const void* key, void* next) {
  std::lock_guard guard(lock_);
  if (!count_) return -ENOENT;
  u32 n = 0;
  bool found = false;
  if (key && load_unaligned<u32>(key) <= max_length_) {
    const u32 length = load_unaligned<u32>(key);
    u64 bits[kMaxWords];
    load_key(key, bits);
    if (slotted_ && length < kSlotBits) {
      if (short_at(bits[0], length).load(std::memory_order_relaxed)) {
        found = true;
        const u32 block = kSlotBits - length;
        const u32 last =
            ((length ? static_cast<u32>(bits[0] >> (64 - length)) : 0) << block) + ((1u << block) - 1);
        n = shorts_ending(last, static_cast<int>(length));
        if (!n) n = first_from_slot(last + 1);
      }
    } else {
      const u32 index = slotted_ ? static_cast<u32>(bits[0] >> (64 - kSlotBits)) : 0;
      n = after_in_trie(index, bits, length, &found);
      if (found && !n && slotted_) {
        n = shorts_ending(index, kSlotBits);
        if (!n) n = first_from_slot(index + 1);
      }
    }
  }
  if (!found) n = slotted_ ? first_from_slot(0) : first_in(root(0));
  if (!n) return -ENOENT;
  store_unaligned<u32>(next, at(n)->length);
  u8* d = static_cast<u8*>(next) + 4;
  for (u32 i = 0, left = data_bytes_; i < words_; i++, d += 8) {
    const u64 w = __builtin_bswap64(bits_of(n)[i]);
    std::memcpy(d, &w, std::min(left, 8u));
    left -= std::min(left, 8u);
  }
  return 0;
}

}  // namespace osmia::maps
