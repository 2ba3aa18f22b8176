// Opening an iterator that is pinned, by its path.
#pragma once
#include <optional>

namespace osmia::preload {

// A descriptor, or -1 with errno; nullopt: no iterator is pinned there.
std::optional<int> open_pinned_iterator(const char* path);

}  // namespace osmia::preload
