// In pieces, so that what never ends (/dev/zero) is noticed and small files cost little.
#include "cli/read_file.h"

#include <fstream>

namespace osmia::cli {

Result<std::string> read_file(const std::string& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error{ENOENT, path + ": cannot be read"};
  std::string text;
  char piece[1 << 16];
  while (in.read(piece, sizeof piece), in.gcount() > 0) {
    text.append(piece, static_cast<size_t>(in.gcount()));
    if (text.size() > limit)
      return Error{EFBIG, path + ": expected at most " + std::to_string(limit) + " bytes, found more"};
  }
  if (in.bad()) return Error{EIO, path + ": cannot be read"};
  return text;
}

}  // namespace osmia::cli
