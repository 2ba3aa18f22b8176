// Open files: their paths.
#include <cerrno>
#include <cstring>

#include "helpers/code.h"
#include "helpers/running.h"
#include "host/file_object.h"

namespace osmia::helpers::code {

// The path with its NUL, from the start of the buffer; its size.
u64 d_path(u64 path, u64 buffer, u64 size, u64, u64) {
  const u32 room = static_cast<u32>(size);
  if (!room) return 0;
  const auto& types = kernel_types();
  if (!types) return result(-EOPNOTSUPP);
  std::string text;
  if (const int err = host::path_text(*types, path, text)) return result(err);
  if (text.size() + 1 > room) return result(-ENAMETOOLONG);
  std::memcpy(reinterpret_cast<void*>(buffer), text.c_str(), text.size() + 1);
  return text.size() + 1;
}

}  // namespace osmia::helpers::code
