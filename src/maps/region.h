// A block of zeroed, page-aligned memory that costs nothing until it is touched. With `shared` it has a memfd
// behind it, which user space can map. Invariant: data() stays where it is for the life of the Region.
#pragma once
#include <utility>

#include "base/result.h"
#include "base/types.h"

namespace osmia::maps {

class Region {
 public:
  Region() = default;
  // bytes may be 0. `huge`: accesses are scattered, large pages help (from 1 MiB on). Errors: ENOMEM (more
  // than the machine's memory, or no address space).
  static Result<Region> make(u64 bytes, bool shared = false, bool huge = false);
  Region(Region&& o) noexcept { swap(o); }
  Region& operator=(Region&& o) noexcept {
    swap(o);
    return *this;
  }
  ~Region();

  u8* data() const { return data_; }
  u64 size() const { return size_; }
  int fd() const { return fd_; }  // memfd, or -1

 private:
  void swap(Region& o) noexcept {
    std::swap(data_, o.data_), std::swap(size_, o.size_), std::swap(fd_, o.fd_);
  }
  u8* data_ = nullptr;
  u64 size_ = 0;
  int fd_ = -1;
};

// mmap(2) of a memory file for user space. What is mapped without PROT_WRITE can never be made writable, as
// on Linux: it is mapped through a descriptor that only reads.
void* map_for_user(void* addr, u64 len, int prot, int flags, int fd, long off);
// Does this process map the memory file writable at another place than `own`?
bool mapped_writable(int fd, const void* own);

// Memory that one map may ask for at most: what the machine has. Linux answers ENOMEM at some point below it.
u64 machine_memory();

}  // namespace osmia::maps
