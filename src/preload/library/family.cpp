// Both ends of family.h. Requests and answers are one message each; only one is under way in a child at a
// time. Invariant: a child touches nothing of the Kernel's memory that it was forked with but the addresses
// of ring buffers, whose memory is shared.
#include "preload/library/family.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "maps/region.h"
#include "preload/library/state.h"
#include "syscall/bpf.h"
#include "syscall/call.h"
#include "syscall/fds.h"
#include "syscall/uaccess.h"

namespace osmia::preload {
namespace {

using syscall::Fd;
using syscall::FdTable;

enum class Ask : u32 { kBpf, kNumber, kClosed, kDuplicated, kMap, kSettle, kFork };
struct Request {
  Ask ask = Ask::kBpf;
  s32 pid = 0, a = 0, b = 0;  // the command, descriptors
  u32 size = 0;
  runtime::Cred cred;
  u64 address = 0, length = 0;
  s64 offset = 0;
};
struct Answer {
  s64 result = 0;
  char why[112] = {};
};

// One message, with a descriptor if fd >= 0.
bool send_message(int socket, const void* data, size_t size, int fd) {
  iovec part{const_cast<void*>(data), size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr m{};
  m.msg_iov = &part, m.msg_iovlen = 1;
  if (fd >= 0) {
    m.msg_control = control, m.msg_controllen = sizeof control;
    cmsghdr* c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t n;
  while ((n = sendmsg(socket, &m, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
  }
  return n == static_cast<ssize_t>(size);
}
bool receive_message(int socket, void* data, size_t size, int* fd) {
  iovec part{data, size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr m{};
  m.msg_iov = &part, m.msg_iovlen = 1, m.msg_control = control, m.msg_controllen = sizeof control;
  ssize_t n;
  while ((n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  *fd = -1;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); n > 0 && c; c = CMSG_NXTHDR(&m, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) std::memcpy(fd, CMSG_DATA(c), sizeof *fd);
  return n == static_cast<ssize_t>(size);
}

// ---- in the process that has the Kernel

void serve(int socket, std::shared_ptr<FdTable> table);
// Signals of the program are not for this thread.
void start(int socket, std::shared_ptr<FdTable> table) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(serve, socket, std::move(table)).detach();
  } catch (const std::system_error&) {
    ::syscall(SYS_close, socket);  // the child will be told that nobody is there
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// The descriptor of the memory that the child is to map; -errno.
s64 memory_of(FdTable& table, const Request& r) {
  const Fd entry = table.get(r.a);
  const auto* map = std::get_if<maps::MapPtr>(&entry.object);
  if (!map) return -ENODEV;
  const u32 type = (*map)->type();
  if (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF || type == BPF_MAP_TYPE_ARENA)
    return -EOPNOTSUPP;
  auto p = (*map)->map_memory(nullptr, r.length, r.b, static_cast<int>(r.size), r.offset);
  if (!p.ok()) return -p.error().code;
  munmap(*p, r.length);
  return (*map)->mmap_fd();
}

void serve(int socket, std::shared_ptr<FdTable> table) {
  const FdTable::Scope scope(*table);
  Request r;
  int fd;
  while (receive_message(socket, &r, sizeof r, &fd)) {
    Answer answer;
    switch (r.ask) {
      case Ask::kBpf: {
        syscall::set_user_process(r.pid);
        set_caller(&r.cred);
        answer.result = syscall::bpf(*kernel(), r.a, reinterpret_cast<void*>(r.address), r.size);
        set_caller(nullptr);
        syscall::set_user_process(0);
        if (answer.result < 0)
          std::snprintf(answer.why, sizeof answer.why, "%s", syscall::last_error().c_str());
        Fd entry;
        const int made = table->take_installed(&entry);
        const bool handed = made >= 0 && made == answer.result;
        bool alive = send_message(socket, &answer, sizeof answer, handed ? made : -1);
        if (made >= 0) ::syscall(SYS_close, made);
        Request number;
        int none;
        alive = alive && (!handed || receive_message(socket, &number, sizeof number, &none));
        if (!alive) {
          ::syscall(SYS_close, socket);
          return;
        }
        if (handed) table->adopt(number.a, std::move(entry));
        break;
      }
      case Ask::kClosed: table->abandon(r.a); break;
      case Ask::kDuplicated: table->adopt(r.b, table->get(r.a)); break;
      case Ask::kMap: {
        const s64 memory = memory_of(*table, r);
        answer.result = memory < 0 ? memory : 0;
        send_message(socket, &answer, sizeof answer, static_cast<int>(memory));
        break;
      }
      case Ask::kSettle:
        table->before_wait(r.a);
        send_message(socket, &answer, sizeof answer, -1);
        break;
      case Ask::kFork: {
        auto copy = std::make_shared<FdTable>(true);
        table->copy_to(*copy);
        if (fd >= 0) start(fd, std::move(copy));
        break;
      }
      case Ask::kNumber: break;
    }
  }
  ::syscall(SYS_close, socket);
}

// ---- in a child

class Child final : public syscall::FdsElsewhere {
 public:
  Child(int socket, const std::vector<int>& numbers)
      : socket_(socket), numbers_(numbers.begin(), numbers.end()) {}

  s64 bpf(int cmd, void* attr, unsigned size) {
    Request r = request(Ask::kBpf, cmd);
    r.size = size, r.address = reinterpret_cast<u64>(attr), r.cred = own_rights();
    std::lock_guard lock(mutex_);
    Answer answer;
    int fd = -1;
    if (!ask(r, &answer, &fd)) return -ENODEV;
    if (answer.result < 0) syscall::fail(static_cast<int>(-answer.result), answer.why);
    if (fd < 0) return answer.result;
    send_message(socket_, &(r = request(Ask::kNumber, fd)), sizeof r, -1);
    numbers_.insert(fd);
    return fd;
  }
  bool has(int fd) override {
    std::lock_guard lock(mutex_);
    return numbers_.count(fd);
  }
  bool closed(int fd) override {
    std::lock_guard lock(mutex_);
    if (fd == socket_) return false;  // the program closes all numbers that there are
    if (!numbers_.erase(fd)) return true;
    const Request r = request(Ask::kClosed, fd);
    send_message(socket_, &r, sizeof r, -1);
    return true;
  }
  void duplicated(int from, int to) override {
    std::lock_guard lock(mutex_);
    const bool was = numbers_.erase(to), is = numbers_.count(from);
    if (!was && !is) return;
    Request r = is ? request(Ask::kDuplicated, from) : request(Ask::kClosed, to);
    r.b = to;
    if (is) numbers_.insert(to);
    send_message(socket_, &r, sizeof r, -1);
  }
  void* mmap(void* addr, size_t len, int prot, int flags, int fd, off_t off) override {
    Request r = request(Ask::kMap, fd);
    r.b = prot, r.size = static_cast<u32>(flags & ~(MAP_FIXED | MAP_FIXED_NOREPLACE)), r.length = len,
    r.offset = off;
    Answer answer;
    int memory = -1;
    {
      std::lock_guard lock(mutex_);
      if (!ask(r, &answer, &memory)) return errno = ENODEV, MAP_FAILED;
    }
    if (answer.result < 0 || memory < 0)
      return errno = static_cast<int>(answer.result < 0 ? -answer.result : ENODEV), MAP_FAILED;
    void* const p = maps::map_for_user(addr, len, prot, flags, memory, off);
    const int why = errno;
    ::syscall(SYS_close, memory);
    return errno = why, p;
  }
  void before_wait(bool polls) override {
    std::lock_guard lock(mutex_);
    if (numbers_.empty()) return;
    Answer answer;
    int none;
    ask(request(Ask::kSettle, polls), &answer, &none);
  }
  // A socket for a child of this child.
  void give(int other) {
    const Request r = request(Ask::kFork, 0);
    send_message(socket_, &r, sizeof r, other);
  }
  std::vector<int> numbers() { return {numbers_.begin(), numbers_.end()}; }
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  int socket() const { return socket_; }

 private:
  static Request request(Ask what, int a) {
    Request r;
    r.ask = what, r.a = a, r.pid = getpid();
    return r;
  }
  bool ask(const Request& r, Answer* answer, int* fd) {
    if (send_message(socket_, &r, sizeof r, -1) && receive_message(socket_, answer, sizeof *answer, fd))
      return true;
    syscall::fail(ENODEV,
                  "the process that this one was forked from, which kept the maps and programs, has ended");
    return false;
  }
  const int socket_;
  std::mutex mutex_;
  std::set<int> numbers_;  // descriptors of BPF objects
};

Child* g_child = nullptr;
FdTable* g_table = nullptr;  // the process's

// ---- at a fork

struct Birth {
  int parent = -1, child = -1;
  std::shared_ptr<FdTable> table;
  std::vector<int> numbers;
};
Birth g_birth;
pthread_mutex_t g_birth_mutex = PTHREAD_MUTEX_INITIALIZER;

// Programs count on low numbers.
int out_of_the_way(int fd) {
  constexpr int kFrom = 900;
  const int high = static_cast<int>(::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kFrom));
  if (high < 0) return fd;
  ::syscall(SYS_close, fd);
  return high;
}

void before_fork() {
  pthread_mutex_lock(&g_birth_mutex);
  g_birth = {};
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) return;
  g_birth.parent = out_of_the_way(pair[0]), g_birth.child = out_of_the_way(pair[1]);
  if (g_child) {
    g_child->lock();
    g_birth.numbers = g_child->numbers();
    return;
  }
  g_birth.table = std::make_shared<FdTable>(true);
  g_table->copy_to(*g_birth.table);
  g_birth.numbers = g_birth.table->numbers();
}

void in_parent() {
  ::syscall(SYS_close, g_birth.child);
  if (g_birth.parent >= 0 && g_child) {
    g_child->give(g_birth.parent);
    ::syscall(SYS_close, g_birth.parent);
  } else if (g_birth.parent >= 0) {
    start(g_birth.parent, std::move(g_birth.table));
  }
  if (g_birth.parent >= 0 && g_child) g_child->unlock();
  g_birth = {};
  pthread_mutex_unlock(&g_birth_mutex);
}

// What was forked with is left as it is, and never let go: nothing here may run the objects' destructors.
void in_new_child() {
  ::syscall(SYS_close, g_birth.parent);
  new std::shared_ptr<FdTable>(std::move(g_birth.table));
  g_child = new Child(g_birth.child, g_birth.numbers);
  g_table->move_to(g_child);
  pthread_mutex_init(&g_birth_mutex, nullptr);
}

}  // namespace

void found_family() {
  g_table = &FdTable::instance();
  pthread_atfork(before_fork, in_parent, in_new_child);
}

bool in_child() {
  return g_child;
}

s64 bpf_of_child(int cmd, void* attr, unsigned size) {
  return g_child->bpf(cmd, attr, size);
}

}  // namespace osmia::preload
