// Open-coded iterators whose whole state is in the program's stack: number ranges, and the bits of a memory
// area, which is copied when the iterator is made (up to 64 bits into the iterator itself).
#include <bit>
#include <cerrno>
#include <cstdlib>

#include "interp/interp.h"
#include "kfuncs/code.h"

namespace osmia::kfuncs::code {
namespace {

constexpr s64 kMaxLoops = 8 * 1024 * 1024;
constexpr u32 kMaxWords = 511;

// struct bpf_iter_num: the number that next() gave last, and the first that it does not give.
struct Numbers {
  s32 current, end;
};
// struct bpf_iter_bits.
struct Bits {
  union {
    u64* many;
    u64 one;
  };
  s32 count;  // bits; 64 = `one` holds them
  s32 bit;    // given last
};

u64 error(int code) {
  return static_cast<u64>(static_cast<s64>(-code));
}

}  // namespace

u64 iter_num_new(u64 it, u64 start, u64 end, u64, u64) {
  auto* n = reinterpret_cast<Numbers*>(it);
  const s32 first = static_cast<s32>(start), last = static_cast<s32>(end);
  *n = {};
  if (first > last) return error(EINVAL);
  if (s64{last} - first > kMaxLoops) return error(E2BIG);
  *n = {static_cast<s32>(static_cast<u32>(first) - 1), last};
  return 0;
}
u64 iter_num_next(u64 it, u64, u64, u64, u64) {
  auto* n = reinterpret_cast<Numbers*>(it);
  const s32 next = static_cast<s32>(static_cast<u32>(n->current) + 1);
  if (next >= n->end) {
    *n = {};
    return 0;
  }
  n->current = next;
  return reinterpret_cast<u64>(&n->current);
}
u64 iter_num_destroy(u64 it, u64, u64, u64, u64) {
  *reinterpret_cast<Numbers*>(it) = {};
  return 0;
}

u64 iter_bits_new(u64 it, u64 memory, u64 words, u64, u64) {
  auto* b = reinterpret_cast<Bits*>(it);
  const u32 n = static_cast<u32>(words);
  b->one = 0;
  b->count = 0;
  b->bit = -1;
  if (!memory || !n) return error(EINVAL);
  if (n > kMaxWords) return error(E2BIG);
  if (n == 1) {
    if (!interp::probe_read(&b->one, reinterpret_cast<const void*>(memory), 8)) return error(EFAULT);
  } else {
    auto* copy = static_cast<u64*>(std::malloc(n * 8));
    if (!copy) return error(ENOMEM);
    if (!interp::probe_read(copy, reinterpret_cast<const void*>(memory), n * 8)) {
      std::free(copy);
      return error(EFAULT);
    }
    b->many = copy;
  }
  b->count = static_cast<s32>(n * 64);
  return 0;
}
u64 iter_bits_next(u64 it, u64, u64, u64, u64) {
  auto* b = reinterpret_cast<Bits*>(it);
  if (!b->count || b->bit >= b->count) return 0;
  const u64* words = b->count == 64 ? &b->one : b->many;
  for (u32 at = static_cast<u32>(b->bit + 1); at < static_cast<u32>(b->count); at = (at / 64 + 1) * 64) {
    const u64 rest = words[at / 64] >> at % 64;
    if (!rest) continue;
    b->bit = static_cast<s32>(at) + std::countr_zero(rest);
    return reinterpret_cast<u64>(&b->bit);
  }
  b->bit = b->count;
  return 0;
}
u64 iter_bits_destroy(u64 it, u64, u64, u64, u64) {
  auto* b = reinterpret_cast<Bits*>(it);
  if (b->count > 64) std::free(b->many);
  return 0;
}

}  // namespace osmia::kfuncs::code
