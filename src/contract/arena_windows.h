// An arena has two windows on its pages, one this far behind the other. The first (ArenaSpace::base) can only
// be touched where pages are known to be there: machine code does not look, what faults is not there. The
// second can be touched everywhere in the arena: for engines that look first (present()). Should another
// thread free the page between the look and the access, that makes a page of zeros; it is no fault.
#pragma once
#include "contract/arena_space.h"

namespace osmia::contract {

inline constexpr u64 kArenaOpenWindow = kArenaWindow + 2 * kArenaGuard;

}  // namespace osmia::contract
