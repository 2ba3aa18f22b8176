// Longest-prefix match. Prefixes of 16 bits and more hang in path-compressed binary tries, one for each value
// of the first 16 bits; shorter ones lie in an array indexed by (length, bits), and each of the 65536 slots
// knows the longest of them that covers it. So a look-up is one load from the slots and the few nodes below
// it. (Maps of few entries or of one-byte keys have no slots: one trie holds all.) Readers take no lock:
// every change is published by one store of a node's number, and nodes that were taken out are used again
// only after a grace period (host/grace.h). Writers hold one lock. Key bits are kept as 64-bit words with the
// first bit on top, and as they were given: bits behind the length are not cleared, as on Linux.
#pragma once
#include <atomic>
#include <vector>

#include "base/bits.h"
#include "host/grace.h"
#include "maps/fn_ref.h"
#include "maps/region.h"
#include "maps/spin_lock.h"

namespace osmia::maps {

class PrefixTrie {
 public:
  Status init(u32 key_size, u32 value_size, u32 max_entries);  // once. Errors: ENOMEM

  // The value of the longest prefix of key, or null. A program's address of a value stays good for its run.
  void* find(const void* key) const {
    return words_ == 1 ? find_sized<1>(key) : words_ == 2 ? find_sized<2>(key) : find_sized<0>(key);
  }
  // W: 64-bit words of key data, if the compiler may know it (1, 2), else 0.
  template <u32 W>
  void* find_sized(const void* key) const;
  bool with_value(const void* key, FnRef<void(void*)> fn);    // under the lock
  s64 update(const void* key, const void* value, u64 flags);  // -EINVAL, -EEXIST, -ENOENT, -ENOSPC, -ENOMEM
  s64 erase(const void* key);                                 // -EINVAL, -ENOENT
  int next_key(const void* key, void* next);  // more specific ones first, as Linux's postorder; -ENOENT

 private:
  // Numbers of nodes are from 1; 0 is none. Aligned for the key's words and the value behind it.
  struct alignas(8) Node {
    std::atomic<u32> child[2];
    u16 length;
    std::atomic<u8> real;  // else only a fork
  };                       // then words_ words of key bits, then the value
  static constexpr u32 kSlotBits = 16;
  static constexpr u32 kMaxWords = 32;

  Node* at(u32 n) const { return reinterpret_cast<Node*>(nodes_.data() + u64{n} * node_size_); }
  u64* bits_of(u32 n) const { return reinterpret_cast<u64*>(at(n) + 1); }
  u8* value_of(u32 n) const { return reinterpret_cast<u8*>(bits_of(n) + words_); }
  // low half: the longest short prefix over the slot; high half: the root of its trie
  std::atomic<u64>& slot(u32 i) const { return reinterpret_cast<std::atomic<u64>*>(slots_.data())[i]; }
  std::atomic<u32>& short_at(u64 first_word, u32 length) const {
    const u32 bits = length ? static_cast<u32>(first_word >> (64 - length)) : 0;
    return reinterpret_cast<std::atomic<u32>*>(shorts_.data())[(1u << length) | bits];
  }
  u32 covering(u64 first_word, int length) const {  // the longest short prefix of at most this length
    for (; length >= 0; length--)
      if (const u32 n = short_at(first_word, static_cast<u32>(length)).load(std::memory_order_acquire))
        return n;
    return 0;
  }
  u32 root(u32 i) const {
    return slotted_ ? static_cast<u32>(slot(i).load(std::memory_order_acquire) >> 32)
                    : root_.load(std::memory_order_acquire);
  }
  void set_root(u32 i, u32 n);

  void load_key(const void* key, u64* bits) const;
  // Bits that a and the node have in common, at most `limit`.
  u32 common(const u64* a, u32 n, u32 limit) const;
  static bool bit(const u64* a, u32 i) { return a[i / 64] >> (63 - i % 64) & 1; }

  u32 make_node();  // 0: no memory
  void retire(u32 n);
  void reclaim();
  s64 update_trie(u32 slot_index, const u64* bits, u32 length, const void* value, u64 flags);
  s64 update_short(const u64* bits, u32 length, const void* value, u64 flags);
  s64 erase_trie(u32 slot_index, const u64* bits, u32 length);
  s64 erase_short(const u64* bits, u32 length);
  u32 fresh_node(const u64* bits, u32 length, const void* value);
  void cover(u64 first_word, u32 length, u32 from, u32 to);
  u32 first_in(u32 n) const;  // first in postorder below n
  u32 after_in_trie(u32 slot_index, const u64* bits, u32 length, bool* found) const;
  u32 first_from_slot(u32 i) const;
  u32 shorts_ending(u32 i, int below_length) const;
  s64 may_add(u64 flags) const;

  u32 words_ = 1, max_length_ = 0;
  bool slotted_ = false;
  u32 node_size_ = 0;
  Region nodes_, slots_, shorts_;
  std::atomic<u32> root_{0};
  u32 data_bytes_ = 0, value_size_ = 0, max_entries_ = 0;
  SpinLock lock_;
  // Under lock_.
  u32 count_ = 0, used_ = 1, capacity_ = 0;
  std::vector<u32> free_, retired_, waiting_;
  host::Grace grace_;  // of waiting_
};

template <u32 W>
void* PrefixTrie::find_sized(const void* key) const {
  const u32 words = W ? W : words_;
  u64 bits[W ? W : kMaxWords];
  const u32 length = load_unaligned<u32>(key);
  if (length > max_length_) return nullptr;
  if constexpr (W == 1) {
    const u8* d = static_cast<const u8*>(key) + 4;
    if (data_bytes_ == 4)
      bits[0] = u64{__builtin_bswap32(load_unaligned<u32>(d))} << 32;
    else if (data_bytes_ == 8)
      bits[0] = __builtin_bswap64(load_unaligned<u64>(d));
    else
      load_key(key, bits);
  } else {
    load_key(key, bits);
  }
  u32 found = 0, n;
  if (slotted_) {
    if (length < kSlotBits) {
      found = covering(bits[0], static_cast<int>(length));
      n = 0;
    } else {
      const u64 s = slot(static_cast<u32>(bits[0] >> (64 - kSlotBits))).load(std::memory_order_acquire);
      found = static_cast<u32>(s);
      n = static_cast<u32>(s >> 32);
    }
  } else {
    n = root_.load(std::memory_order_acquire);
  }
  u32 word = 0;  // words before it are known to be equal
  while (n) {
    const Node* node = at(n);
    const u32 l = node->length;
    if (l > length) break;
    const u64* b = bits_of(n);
    bool same = true;
    for (; same && word < l / 64; word++) same = b[word] == bits[word];
    if (!same || (l % 64 && (b[word] ^ bits[word]) >> (64 - l % 64))) break;
    if (node->real.load(std::memory_order_relaxed)) found = n;
    if (l == words * 64) break;
    n = node->child[bit(bits, l)].load(std::memory_order_acquire);
  }
  return found ? value_of(found) : nullptr;
}

}  // namespace osmia::maps
