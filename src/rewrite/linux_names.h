// What Linux calls in place of a map helper once it knows the map's type: the symbols that its dumps show.
#pragma once
#include <string_view>

#include "base/types.h"

namespace osmia::rewrite {

// helper: BPF_FUNC_*. Empty: the helper itself is called.
std::string_view linux_map_function(u32 map_type, s32 helper);

}  // namespace osmia::rewrite
