// Whole small files of /proc, as text.
#pragma once
#include <string>

namespace osmia::host {

std::string read_file(const std::string& path);  // empty if it cannot be read

}  // namespace osmia::host
