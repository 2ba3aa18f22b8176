// Merging of scalars where paths meet (the native profile's loop heads; Linux never merges).
// Invariant: r = join(a, b) and r = widen(a, b) hold a and b, part by part: in_range(r, a) and in_range(r,
// b). A sequence s, widen(s, b1), widen(.., b2) ... becomes stationary after at most a few dozen steps
// whatever the b's are.
#pragma once
#include "verifier/domain/scalar.h"

namespace osmia::verifier {

// The smallest scalar that holds both: each range's hull, the tnum's union, then sync.
Scalar join(const Scalar& a, const Scalar& b);

// Like join(old, fresh), but a bound that moved goes to the next of a few landmarks (0, +-1, widths of bytes,
// halves, words, and their signed limits), and a tnum bit that moved takes all bits above it along unless
// they stayed equal in both; so that a loop's state settles soon.
Scalar widen(const Scalar& old, const Scalar& fresh);

}  // namespace osmia::verifier
