// A file as one string, up to a limit.
#pragma once
#include <string>

#include "base/result.h"

namespace osmia::cli {

// Errors, with the file's name: ENOENT if it cannot be opened, EIO if it cannot be read, EFBIG beyond `limit`
// bytes.
Result<std::string> read_file(const std::string& path, size_t limit);

}  // namespace osmia::cli
