// The helpers of converted classic socket filters: rows of the classic Catalog, numbered by
// isa::ClassicHelper. No program of a user can name them.
#pragma once
#include <span>

#include "helpers/helper.h"

namespace osmia::helpers {

std::span<const HelperEntry> classic_rows();  // live as long as the process

}  // namespace osmia::helpers
