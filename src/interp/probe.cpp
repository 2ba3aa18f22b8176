// Faulting reads without signal handlers: the kernel copies for us and says where it could not.
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "interp/interp.h"

namespace osmia::interp {

bool probe_read(void* dst, const void* src, size_t bytes) {
  iovec to{dst, bytes}, from{const_cast<void*>(src), bytes};
  if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(bytes)) return true;
  std::memset(dst, 0, bytes);
  return false;
}

}  // namespace osmia::interp
