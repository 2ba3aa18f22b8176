// Classic programs from files.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "isa/classic.h"

namespace osmia::cli {

// Bytes of struct sock_filter, JSON, or decimal text as `tcpdump -ddd` prints: told apart by what is in the
// file. What the instructions mean is not looked at. Errors: one line with the file's name.
Result<std::vector<isa::ClassicInsn>> read_classic(const std::string& path);

}  // namespace osmia::cli
