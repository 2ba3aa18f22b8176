// The real system calls are made here by their instruction: under the preload library even libc's syscall()
// is ours, and would come back.
#include "syscall/fds.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "maps/perf_event.h"
#include "maps/ring_buffer.h"
#include "syscall/uaccess.h"

namespace osmia::syscall {
namespace {

long raw(long nr, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  register long r10 asm("r10") = d;
  register long r8 asm("r8") = e;
  register long r9 asm("r9") = f;
  long r;
  asm volatile("syscall"
               : "=a"(r)
               : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  if (r < 0 && r >= -4095) return errno = static_cast<int>(-r), -1;
  return r;
#elif defined(__aarch64__)
  register long x8 asm("x8") = nr;
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x3 asm("x3") = d;
  register long x4 asm("x4") = e;
  register long x5 asm("x5") = f;
  asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  if (x0 < 0 && x0 >= -4095) return errno = static_cast<int>(-x0), -1;
  return x0;
#else
  return ::syscall(nr, a, b, c, d, e, f);
#endif
}
thread_local FdTable* t_table = nullptr;

maps::Map* map_of(const Fd& f) {
  const auto* m = std::get_if<maps::MapPtr>(&f.object);
  return m ? m->get() : nullptr;
}
bool is_ring(const maps::Map* m) {
  return m && (m->type() == BPF_MAP_TYPE_RINGBUF || m->type() == BPF_MAP_TYPE_USER_RINGBUF);
}

}  // namespace

FdTable& FdTable::instance() {
  return t_table ? *t_table : of_process();
}

FdTable& FdTable::of_process() {
  static FdTable* table = new FdTable;  // never freed: descriptors may be closed by destructors at exit
  return *table;
}

FdTable::Scope::Scope(FdTable& table) : outer_(t_table) {
  t_table = &table;
}
FdTable::Scope::~Scope() {
  t_table = outer_;
}

FdTable::~FdTable() {
  for (const auto& [fd, entry] : table_) drop(entry);
  if (installed_ >= 0) raw(SYS_close, installed_);
}

int FdTable::take_installed(Fd* entry) {
  *entry = std::exchange(installed_entry_, {});
  return std::exchange(installed_, -1);
}

void FdTable::copy_to(FdTable& other) const {
  std::lock_guard lock(mutex_);
  for (const auto& [fd, entry] : table_) other.add(fd, entry);
}

std::vector<int> FdTable::numbers() const {
  std::lock_guard lock(mutex_);
  std::vector<int> out;
  for (const auto& [fd, entry] : table_) out.push_back(fd);
  return out;
}

bool FdTable::is_open(int fd) {
  if (const int pid = user_process())
    return raw(SYS_access, reinterpret_cast<long>(
                               ("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd)).c_str())) == 0;
  return raw(SYS_fcntl, fd, F_GETFD) >= 0;
}

void FdTable::add(int fd, Fd entry) {
  if (maps::Map* m = map_of(entry)) m->user_ref();
  if (is_ring(map_of(entry))) rings_++;
  if (entry.iterator) iterators_++;
  Fd old;
  {
    std::lock_guard lock(mutex_);
    std::swap(old, table_[fd]);
    table_[fd] = std::move(entry);
  }
  drop(old);
}

void FdTable::drop(const Fd& old) {
  if (is_ring(map_of(old))) rings_--;
  if (old.iterator) iterators_--;
  if (maps::Map* m = map_of(old)) m->user_unref();
}

void FdTable::forget(int fd) {
  Fd old;
  {
    std::lock_guard lock(mutex_);
    const auto it = table_.find(fd);
    if (it == table_.end()) return;
    old = std::move(it->second);
    table_.erase(it);
  }
  drop(old);
}

int FdTable::install(Fd entry) {
  int source = -1;
  if (maps::Map* m = map_of(entry)) source = m->poll_fd() >= 0 ? m->poll_fd() : m->mmap_fd();
  if (const auto* link = std::get_if<runtime::LinkPtr>(&entry.object)) source = (*link)->poll_fd();
  if (entry.perf_event) source = entry.perf_event->poll_fd();
  const int fd = source >= 0 ? static_cast<int>(raw(SYS_fcntl, source, F_DUPFD_CLOEXEC, 0))
                             : static_cast<int>(raw(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (fd < 0) return -errno;
  if (foreign_) {
    if (installed_ >= 0) raw(SYS_close, installed_);
    installed_ = fd, installed_entry_ = std::move(entry);
    return fd;
  }
  add(fd, std::move(entry));
  return fd;
}

Fd FdTable::get(int fd) const {
  if (elsewhere_.load(std::memory_order_relaxed)) return {};
  std::lock_guard lock(mutex_);
  const auto it = table_.find(fd);
  return it == table_.end() ? Fd{} : it->second;
}
bool FdTable::has(int fd) const {
  if (FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed)) return e->has(fd);
  std::lock_guard lock(mutex_);
  return table_.count(fd);
}

int FdTable::close(int fd) {
  FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed);
  if (e) {
    if (!e->closed(fd)) return 0;
  } else if (has(fd))
    forget(fd);
  return static_cast<int>(raw(SYS_close, fd));
}

int FdTable::dup(int fd) {
  return fcntl(fd, F_DUPFD, 0);
}

int FdTable::dup2(int from, int to) {
  if (from == to) return is_open(from) ? to : (errno = EBADF, -1);
  return dup3(from, to, 0);
}

int FdTable::dup3(int from, int to, int flags) {
  const Fd entry = get(from);
  const bool ours = has(from);
  const int fd = static_cast<int>(raw(SYS_dup3, from, to, flags));
  if (fd < 0) return fd;
  if (FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed))
    e->duplicated(from, fd);
  else if (ours)
    add(fd, entry);
  else
    forget(fd);
  return fd;
}

int FdTable::fcntl(int fd, int cmd, unsigned long arg) {
  if (cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC)
    return static_cast<int>(raw(SYS_fcntl, fd, cmd, static_cast<long>(arg)));
  const Fd entry = get(fd);
  const bool ours = has(fd);
  const int copy = static_cast<int>(raw(SYS_fcntl, fd, cmd, static_cast<long>(arg)));
  if (copy >= 0) {
    if (FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed))
      e->duplicated(fd, copy);
    else if (ours)
      add(copy, entry);
    else
      forget(copy);
  }
  return copy;
}

void* FdTable::mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off) {
  if (FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed); e && fd >= 0 && e->has(fd))
    return e->mmap(addr, len, prot, flags, fd, off);
  const Fd entry = fd >= 0 ? get(fd) : Fd{};
  maps::Map* const m = map_of(entry);
  if (m || entry.perf_event) {
    auto p = m ? m->map_memory(addr, len, prot, flags, off)
               : entry.perf_event->map_memory(addr, len, prot, flags, off);
    if (p.ok()) return *p;
    errno = p.error().code;
    return reinterpret_cast<void*>(-1);
  }
  return reinterpret_cast<void*>(
      raw(SYS_mmap, reinterpret_cast<long>(addr), static_cast<long>(len), prot, flags, fd, off));
}

void FdTable::before_wait(bool polls) const {
  if (FdsElsewhere* e = elsewhere_.load(std::memory_order_relaxed)) return e->before_wait(polls);
  if (!rings_.load(std::memory_order_relaxed)) return;
  std::vector<maps::MapPtr> rings;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [fd, entry] : table_)
      if (is_ring(map_of(entry))) rings.push_back(std::get<maps::MapPtr>(entry.object));
  }
  for (const auto& m : rings) {
    if (m->type() == BPF_MAP_TYPE_RINGBUF)
      static_cast<maps::RingBufferMap&>(*m).settle(polls);
    else
      static_cast<maps::UserRingBufferMap&>(*m).settle();
  }
}

int FdTable::ioctl(int fd, unsigned long request, void* argument) {
  if (fd >= 0 && get(fd).tracepoint_event)
    return request == PERF_EVENT_IOC_ENABLE || request == PERF_EVENT_IOC_DISABLE ? 0 : (errno = ENOTTY, -1);
  if (const auto event = get(fd).perf_event) {
    const int r = event->control(request, argument);
    return r < 0 ? (errno = -r, -1) : r;
  }
  return static_cast<int>(raw(SYS_ioctl, fd, static_cast<long>(request), reinterpret_cast<long>(argument)));
}

// Perf events signal through an eventfd that nobody reads: only its edges mean something.
int FdTable::epoll_ctl(int epfd, int op, int fd, void* event) {
  epoll_event e{};
  if (event) e = *static_cast<epoll_event*>(event);
  if (event && fd >= 0 && op != EPOLL_CTL_DEL) {
    if (get(fd).perf_event) e.events |= EPOLLET;
  }
  return static_cast<int>(raw(SYS_epoll_ctl, epfd, op, fd, reinterpret_cast<long>(event ? &e : nullptr)));
}

}  // namespace osmia::syscall
