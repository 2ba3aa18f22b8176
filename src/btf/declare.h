// Declarations in C, as kernel headers have them, made into split BTF: for modules whose own BTF is not at
// hand. Types that the base defines are the base's; what it does not define must be in the text.
#pragma once
#include <string_view>

#include "btf/btf.h"

namespace osmia::btf {

// The text is a list of definitions (struct, union, enum with a name and a body; members may be bit fields,
// arrays, pointers, anonymous or nested aggregates) and prototypes of functions, each ended by ';', types
// before their use. Layout is the natural one of C. A prototype becomes a static FUNC. Errors: EINVAL with
// what was expected; ENOENT if a type is neither in the base nor in the text.
Result<BtfPtr> declare(const BtfPtr& base, std::string_view text);

}  // namespace osmia::btf
