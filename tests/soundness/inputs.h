// Random inputs for test runs: packets that look like some, contexts within what a test run takes, and map
// contents.
#pragma once
#include <random>

#include "maps/map.h"
#include "runtime/test_run.h"

namespace osmia::soundness {

using Random = std::mt19937_64;

runtime::TestRunRequest random_request(u32 prog_type, u32 max_ctx_offset, Random& random);
// Values into plain maps (no special fields, not frozen, not held by others).
void fill_map(maps::Map& map, Random& random);

}  // namespace osmia::soundness
