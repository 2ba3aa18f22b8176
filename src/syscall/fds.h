// Which descriptors of this process are BPF objects. The descriptors are real (a memfd or an eventfd), so
// that mmap, epoll, dup and close work; this table says what lies behind them. Whoever closes or duplicates
// one tells the table: the rebound libbpf and the preload library do. Invariant: an entry's number is open as
// long as the entry exists.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/kernel.h"

namespace osmia::runtime {
class IterFile;
}

namespace osmia::syscall {

struct Fd {
  runtime::Object object;
  bool readable = true, writable = true;                  // maps: BPF_F_RDONLY, BPF_F_WRONLY
  std::shared_ptr<void> keep;                             // ENABLE_STATS: what ends when it is closed
  std::shared_ptr<maps::PerfEvent> perf_event = nullptr;  // then there is no object
  std::shared_ptr<runtime::IterFile> iterator = nullptr;  // the same
  u32 tracepoint_event = 0;                               // likewise: syscall/tracepoint_events.h
};

// Where the table of a forked process is: in the process that has the Kernel (preload/library/family.h).
class FdsElsewhere {
 public:
  virtual ~FdsElsewhere() = default;
  virtual bool has(int fd) = 0;
  virtual bool closed(int fd) = 0;  // about to be; false: it must stay open
  virtual void duplicated(int from, int to) = 0;
  virtual void* mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off) = 0;
  virtual void before_wait(bool polls) = 0;
};

class FdTable {
 public:
  // The process's one table: descriptors belong to the process. In a thread that works for another process
  // (Scope): that one's.
  static FdTable& instance();
  static FdTable& of_process();  // the process's, in every thread
  class Scope {
   public:
    explicit Scope(FdTable& table);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    FdTable* outer_;
  };

  // Tables of other processes: install() then opens a number of this process, which whoever hands it over
  // takes out again; numbers of the other process come in by adopt().
  explicit FdTable(bool foreign = false) : foreign_(foreign) {}
  ~FdTable();
  int take_installed(Fd* entry);  // -1: nothing was installed
  void adopt(int fd, Fd entry) { add(fd, std::move(entry)); }
  void abandon(int fd) { forget(fd); }
  void copy_to(FdTable& other) const;
  // From now on the entries are elsewhere. The ones that are here are not looked at again, not even to be let
  // go: other threads of before the fork may have held their locks.
  void move_to(FdsElsewhere* elsewhere) { elsewhere_ = elsewhere; }
  std::vector<int> numbers() const;

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
  // Reading an iterator's file, for whoever takes over read(2): false if the number is not one's. Else bytes
  // or a negative errno.
  bool read_iterator(int fd, void* to, size_t bytes, long& result);
  // For readers that nobody takes over (stdio, the machine's kernel): the descriptor becomes a plain file
  // with all that is left to read. 0 (also if it is no iterator's), or the negative errno that reading gave.
  int render_iterator(int fd);
  // A descriptor for an iterator's file. Where reads are not taken over it is rendered at once; then this
  // fails with what reading would answer.
  int install_iterator(std::shared_ptr<runtime::IterFile> file);
  static void take_over_reads();  // once, by who does
  int epoll_ctl(int epfd, int op, int fd, void* event);
  int ioctl(int fd, unsigned long request, void* argument);
  // Before epoll_wait(2), or poll(2) and select(2) (polls): descriptors of ring buffers get the level that
  // Linux would find. Nothing else changes a consumer's side without a call.
  void before_wait(bool polls) const;

 private:
  void add(int fd, Fd entry);
  void forget(int fd);
  void drop(const Fd& old);  // it is out of the table
  const bool foreign_;
  int installed_ = -1;  // foreign
  Fd installed_entry_;
  std::atomic<FdsElsewhere*> elsewhere_{nullptr};
  mutable std::mutex mutex_;
  std::unordered_map<int, Fd> table_;
  std::atomic<u32> rings_{0};      // entries of table_ that are ring buffers
  std::atomic<u32> iterators_{0};  // … that are iterators' files
};

}  // namespace osmia::syscall
