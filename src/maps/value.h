// Moving map values: word by word with relaxed atomics, because programs, other CPUs and user space may touch
// the same bytes at the same time (as on Linux, such races are allowed and give old or new words, never
// undefined behaviour), and around the special fields, whose bytes belong to the map and not to whoever
// writes a value.
#pragma once
#include <cstring>

#include "base/bits.h"
#include "btf/special_fields.h"

namespace osmia::maps {

// Copies n bytes between a map's memory (8-byte aligned) and any buffer.
inline void store_words(void* map_mem, const void* from, u64 n) {
  auto* d = static_cast<u8*>(map_mem);
  auto* s = static_cast<const u8*>(from);
  for (; n >= 8; n -= 8, d += 8, s += 8)
    __atomic_store_n(reinterpret_cast<u64*>(d), load_unaligned<u64>(s), __ATOMIC_RELAXED);
  for (; n; n--, d++, s++) __atomic_store_n(d, *s, __ATOMIC_RELAXED);
}
inline void load_words(void* to, const void* map_mem, u64 n) {
  auto* d = static_cast<u8*>(to);
  auto* s = static_cast<const u8*>(map_mem);
  for (; n >= 8; n -= 8, d += 8, s += 8)
    store_unaligned<u64>(d, __atomic_load_n(reinterpret_cast<const u64*>(s), __ATOMIC_RELAXED));
  for (; n; n--, d++, s++) *d = __atomic_load_n(s, __ATOMIC_RELAXED);
}
inline void zero_words(void* map_mem, u64 n) {
  auto* d = static_cast<u8*>(map_mem);
  for (; n >= 8; n -= 8, d += 8) __atomic_store_n(reinterpret_cast<u64*>(d), u64{0}, __ATOMIC_RELAXED);
  for (; n; n--, d++) __atomic_store_n(d, u8{0}, __ATOMIC_RELAXED);
}
// The same bytes? `map_mem` is 8-byte aligned and padded with zeros to a multiple of 8; so is not `key`.
inline bool equal_words(const void* map_mem, const void* key, u64 n) {
  auto* s = static_cast<const u8*>(map_mem);
  auto* k = static_cast<const u8*>(key);
  for (; n >= 8; n -= 8, s += 8, k += 8)
    if (__atomic_load_n(reinterpret_cast<const u64*>(s), __ATOMIC_RELAXED) != load_unaligned<u64>(k))
      return false;
  for (; n; n--, s++, k++)
    if (__atomic_load_n(s, __ATOMIC_RELAXED) != *k) return false;
  return true;
}

// Calls fn(offset, size) for every run of ordinary bytes of a value of `size` bytes.
template <class Fn>
void ordinary_ranges(const btf::FieldRecord* record, u32 size, Fn fn) {
  u32 at = 0;
  if (record)
    for (const btf::Field& f : record->fields) {
      if (f.offset > at) fn(at, f.offset - at);
      at = f.offset + f.size;
    }
  if (at < size) fn(at, size - at);
}
inline void store_value(const btf::FieldRecord* record, u32 size, void* map_mem, const void* from) {
  if (!record) return store_words(map_mem, from, size);
  ordinary_ranges(record, size, [&](u32 off, u32 n) {
    auto* d = static_cast<u8*>(map_mem) + off;
    auto* s = static_cast<const u8*>(from) + off;
    for (; n; n--, d++, s++) __atomic_store_n(d, *s, __ATOMIC_RELAXED);
  });
}
// Special fields read as zeros.
inline void load_value(const btf::FieldRecord* record, u32 size, void* to, const void* map_mem) {
  load_words(to, map_mem, size);
  if (record)
    for (const btf::Field& f : record->fields)
      if (f.offset + f.size <= size) std::memset(static_cast<u8*>(to) + f.offset, 0, f.size);
}

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}
// struct bpf_spin_lock in a value: 0 free, 1 held. The helpers bpf_spin_lock() and BPF_F_LOCK share it.
inline void lock_word(u32* word) {
  for (;;) {
    u32 zero = 0;
    if (__atomic_compare_exchange_n(word, &zero, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    while (__atomic_load_n(word, __ATOMIC_RELAXED)) relax();
  }
}
inline void unlock_word(u32* word) {
  __atomic_store_n(word, 0u, __ATOMIC_RELEASE);
}

}  // namespace osmia::maps
