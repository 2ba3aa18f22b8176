// Memory for machine code. W^X: no address is ever writable and executable; code is written through one
// mapping of the pages and run through another, and small programs share pages. Where a debugger or profiler
// is to see the code it has private pages of its own, first writable, then executable: gdb can set
// breakpoints in those only, and perf takes shared ones for a file and asks no perf map.
#pragma once
#include <span>

#include "base/types.h"

namespace osmia::jit {

// Owns a block of executable memory. Movable; freeing is the destructor's.
class CodeMemory {
 public:
  CodeMemory() = default;
  ~CodeMemory();
  CodeMemory(CodeMemory&& other) noexcept;
  CodeMemory& operator=(CodeMemory&& other) noexcept;

  const u8* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<const u8> bytes() const { return {data_, size_}; }

 private:
  friend struct ImageBuilder;  // common/image_builder.h: where code gets into it
  u8* data_ = nullptr;
  size_t size_ = 0;
  size_t own_pages_ = 0;  // bytes; 0: it shares pages
};

}  // namespace osmia::jit
