// The 64-bit instances of join() and widen(). Landmarks are few, so that a chain of widenings is short: each
// of the eight bounds can move at most as often as there are landmarks beyond it, the tnum at most once per
// bit.
#include "verifier/domain/merge.h"

#include <limits>

namespace osmia::verifier {
namespace {

constexpr u64 kUp[] = {0, 1, 0xf, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff, 0x7fffffffffffffff};

// The least landmark >= v, no more than the type's greatest number.
template <class T>
T raise(T v) {
  if constexpr (std::numeric_limits<T>::is_signed) {
    if (v < 0) return -1;
  }
  for (u64 k : kUp)
    if (static_cast<u64>(v) <= k && k <= static_cast<u64>(std::numeric_limits<T>::max()))
      return static_cast<T>(k);
  return std::numeric_limits<T>::max();
}
// The greatest landmark <= v: for negative numbers the complement of an upward one.
template <class T>
T lower(T v) {
  if constexpr (std::numeric_limits<T>::is_signed) {
    if (v < 0) return static_cast<T>(~raise<T>(static_cast<T>(~v)));
  }
  return v > 0 ? 1 : 0;
}

template <class T>
void hull(T& lo, T& hi, T l, T h) {
  if (l < lo) lo = l;
  if (h > hi) hi = h;
}
template <class T>
void widen_range(T& lo, T& hi, T l, T h) {
  if (l < lo) lo = lower(l);
  if (h > hi) hi = raise(h);
}

// The hull of each part, as it stands.
void cover(Scalar& r, const Scalar& a) {
  hull(r.umin, r.umax, a.umin, a.umax);
  hull(r.smin, r.smax, a.smin, a.smax);
  hull(r.u32_min, r.u32_max, a.u32_min, a.u32_max);
  hull(r.s32_min, r.s32_max, a.s32_min, a.s32_max);
  r.var_off = tnum_union(r.var_off, a.var_off);
}
// sync(), then undo what it tightened beyond a or b: neither need be as tight as sync() could make them, and
// in_range(), which compares part by part, is to see that r holds both.
Scalar settled(Scalar r, const Scalar& a, const Scalar& b) {
  r.sync();
  cover(r, a);
  cover(r, b);
  return r;
}

}  // namespace

Scalar join(const Scalar& a, const Scalar& b) {
  Scalar r = a;
  cover(r, b);
  return settled(r, a, b);
}

Scalar widen(const Scalar& old, const Scalar& fresh) {
  if (in_range(old, fresh)) return old;
  Scalar r = old;
  widen_range(r.umin, r.umax, fresh.umin, fresh.umax);
  widen_range(r.smin, r.smax, fresh.smin, fresh.smax);
  widen_range(r.u32_min, r.u32_max, fresh.u32_min, fresh.u32_max);
  widen_range(r.s32_min, r.s32_max, fresh.s32_min, fresh.s32_max);
  // Bits below the lowest that moved keep what is known (a counter's alignment); those above are lost, and
  // the ranges give back the ones that a bound still implies.
  const Tnum both = tnum_union(old.var_off, fresh.var_off);
  const u64 moved = both.mask & ~old.var_off.mask;
  const u64 mask = moved ? both.mask | ~((moved & -moved) - 1) : both.mask;
  r.var_off = {both.value & ~mask, mask};
  return settled(r, old, fresh);
}

}  // namespace osmia::verifier
