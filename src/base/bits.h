// Bit arithmetic that more than one room needs: sign extension, alignment, unaligned loads and stores.
#pragma once
#include <cstring>
#include <type_traits>

#include "base/types.h"

namespace osmia {

// The low `bits` (1..64) bits of v, sign-extended.
constexpr s64 sign_extend(u64 v, unsigned bits) {
  return bits >= 64 ? static_cast<s64>(v) : static_cast<s64>(v << (64 - bits)) >> (64 - bits);
}
// The smallest multiple of `a` (a power of two) that is >= v.
constexpr u64 align_up(u64 v, u64 a) {
  return (v + a - 1) & ~(a - 1);
}

template <class T>
T load_unaligned(const void* p) {
  static_assert(std::is_trivially_copyable_v<T>);
  T v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class T>
void store_unaligned(void* p, T v) {
  std::memcpy(p, &v, sizeof v);
}

}  // namespace osmia
