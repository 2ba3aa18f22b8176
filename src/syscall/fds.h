// Which descriptors of this process are BPF objects. The descriptors are real (a memfd or an eventfd), so
// that mmap, epoll, dup and close work; this table says what lies behind them. Whoever closes or duplicates
// one tells the table: the rebound libbpf and the preload library do. Invariant: an entry's number is open as
// long as the entry exists.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "runtime/kernel.h"

namespace osmia::syscall {

struct Fd {
  runtime::Object object;
  bool readable = true, writable = true;                  // maps: BPF_F_RDONLY, BPF_F_WRONLY
  std::shared_ptr<void> keep;                             // ENABLE_STATS: what ends when it is closed
  std::shared_ptr<maps::PerfEvent> perf_event = nullptr;  // then there is no object
  u32 tracepoint_event = 0;                               // likewise: syscall/tracepoint_events.h
};

class FdTable {
 public:
  // The process's one table: descriptors belong to the process.
  static FdTable& instance();

  // A new descriptor for the object (close-on-exec); negative errno.
  int install(Fd fd);
  // A copy of the entry; object is monostate if the number is not ours.
  Fd get(int fd) const;
  bool has(int fd) const;
  // Is the number open at all (ours or not)? EBADF or EINVAL hangs on it.
  static bool is_open(int fd);

  // libc's calls, for our numbers and all others alike: the real call is made and the table follows. errno as
  // libc sets it.
  int close(int fd);
  int dup(int fd);
  int dup2(int from, int to);
  int dup3(int from, int to, int flags);
  int fcntl(int fd, int cmd, unsigned long arg);
  void* mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off);
  int epoll_ctl(int epfd, int op, int fd, void* event);
  int ioctl(int fd, unsigned long request, void* argument);
  // Before epoll_wait(2), or poll(2) and select(2) (polls): descriptors of ring buffers get the level that
  // Linux would find. Nothing else changes a consumer's side without a call.
  void before_wait(bool polls) const;

 private:
  void add(int fd, Fd entry);
  void forget(int fd);
  void drop(const Fd& old);  // it is out of the table
  mutable std::mutex mutex_;
  std::unordered_map<int, Fd> table_;
  std::atomic<u32> rings_{0};  // entries of table_ that are ring buffers
};

}  // namespace osmia::syscall
