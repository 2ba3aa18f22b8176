// Memory is reserved, not committed: a map of a million elements costs what its elements in use cost.
#include "maps/region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/bits.h"

namespace osmia::maps {

namespace {
constexpr u64 kHugePage = 2ull << 20;
}

u64 machine_memory() {
  static const u64 bytes =
      static_cast<u64>(sysconf(_SC_PHYS_PAGES)) * static_cast<u64>(sysconf(_SC_PAGESIZE));
  return bytes;
}

Result<Region> Region::make(u64 bytes, bool shared, bool huge) {
  Region r;
  if (bytes > machine_memory()) return Error{ENOMEM, "map needs more memory than the machine has"};
  r.size_ = align_up(bytes ? bytes : 1, static_cast<u64>(sysconf(_SC_PAGESIZE)));
  if (shared) {
    r.fd_ = memfd_create("bpf-map", MFD_CLOEXEC);
    if (r.fd_ < 0 || ftruncate(r.fd_, static_cast<off_t>(r.size_)) < 0)
      return Error{errno == EMFILE || errno == ENFILE ? errno : ENOMEM, "no memory file for a mappable map"};
  }
  if (huge && !shared && bytes >= kHugePage / 2) {
    r.size_ = align_up(bytes, kHugePage);
    u8* area = static_cast<u8*>(mmap(nullptr, r.size_ + kHugePage, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (area == MAP_FAILED) return Error{ENOMEM, "no address space for a map"};
    u8* aligned = reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(area), kHugePage));
    if (aligned != area) munmap(area, static_cast<size_t>(aligned - area));
    if (const u64 rest = kHugePage - static_cast<u64>(aligned - area)) munmap(aligned + r.size_, rest);
    madvise(aligned, r.size_, MADV_HUGEPAGE);
    r.data_ = aligned;
    return r;
  }
  void* p = mmap(nullptr, r.size_, PROT_READ | PROT_WRITE,
                 shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, r.fd_, 0);
  if (p == MAP_FAILED) return Error{ENOMEM, "no address space for a map"};
  r.data_ = static_cast<u8*>(p);
  return r;
}

void* map_for_user(void* addr, u64 len, int prot, int flags, int fd, long off) {
  prot &= ~PROT_EXEC;
  int reader = -1;
  if (!(prot & PROT_WRITE))
    reader = open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY | O_CLOEXEC);
  void* p = mmap(addr, len, prot, flags, reader >= 0 ? reader : fd, off);
  const int why = errno;
  if (reader >= 0) close(reader);
  errno = why;
  return p;
}

bool mapped_writable(int fd, const void* own) {
  struct stat st;
  FILE* maps = fstat(fd, &st) ? nullptr : fopen("/proc/self/maps", "re");
  if (!maps) return false;
  bool found = false;
  char line[4352];
  while (!found && fgets(line, sizeof line, maps)) {
    u64 begin = 0, end = 0, inode = 0;
    unsigned major = 0, minor = 0;
    char access[8] = {};
    if (std::sscanf(line, "%lx-%lx %7s %*x %x:%x %lu", &begin, &end, access, &major, &minor, &inode) != 6)
      continue;
    found = inode == st.st_ino && makedev(major, minor) == st.st_dev && access[1] == 'w' &&
            access[3] == 's' && begin != reinterpret_cast<u64>(own);
  }
  fclose(maps);
  return found;
}

Region::~Region() {
  if (data_) munmap(data_, size_);
  if (fd_ >= 0) close(fd_);
}

}  // namespace osmia::maps
