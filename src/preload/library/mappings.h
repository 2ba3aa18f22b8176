// Which memory of this process is a map's, as Linux's mm knows it: such a mapping keeps its map, a writable
// one keeps the map from being frozen, and neither grows nor gets rights that it was not made with.
#pragma once
#include <cstddef>

namespace osmia::preload {

// After mmap(2) gave `at`: of a map's descriptor, or of anything else where it took the place of what was
// there.
void note_mapping(void* at, size_t length, int protection, int flags, int fd);

}  // namespace osmia::preload
