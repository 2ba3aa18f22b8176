// The table of looked-up sockets. One lock: look-ups ask the kernel anyway. Sockets without references wait
// until the runs of then have ended; those with local storage stay as long as they answer to their cookie.
#include "host/sockets.h"

#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/bits.h"
#include "host/grace.h"

namespace osmia::host {
namespace {

constexpr u32 kLoopbackOfIpv6 =
    0x0600007f;  // what Linux puts where a socket of IPv6 alone has an IPv4 address

bool mapped(const SocketAddress& a) {
  return !a[0] && !a[1] && a[2] == 0xffff0000u;
}
// Programs see both forms of an address, whatever the family, but mean the one of the family; what Linux
// leaves in the other one: TCP's connections have an IPv4-mapped address, sockets of IPv6 an IPv4 address of
// no meaning (of the peer only those that were accepted, which is not told apart here).
void fill_address(const SocketFacts& f, const SocketAddress& a, u32& ip4, u32 (&ip6)[4]) {
  constexpr SocketAddress kAny{};
  if (f.family == kFamilyInet) {
    ip4 = a[0];
    const bool both = f.protocol == kProtocolTcp && f.remote != kAny && f.state != kTcpTimeWait;
    const u32 words[4] = {0, 0, both ? 0xffff0000u : 0, both ? a[0] : 0};
    std::memcpy(ip6, words, sizeof ip6);
    return;
  }
  std::memcpy(ip6, a.data(), sizeof ip6);
  const bool filled = f.protocol == kProtocolTcp || &a == &f.local;
  ip4 = mapped(a) ? a[3] : a == kAny || !filled ? 0 : kLoopbackOfIpv6;
}

void fill(Socket& s, const SocketFacts& f) {
  s.bound_dev_if = f.device;
  s.family = f.family;
  s.type = f.protocol == kProtocolTcp ? SOCK_STREAM : SOCK_DGRAM;
  s.protocol = f.protocol;
  s.mark = f.mark;
  s.priority = f.priority;
  fill_address(f, f.local, s.src_ip4, s.src_ip6);
  fill_address(f, f.remote, s.dst_ip4, s.dst_ip6);
  s.src_port = f.local_port;
  s.dst_port = __builtin_bswap16(f.remote_port);
  s.state = f.state;
  s.ipv6_only = f.ipv6_only;
  s.reuseport = f.reuseport;
  s.cookie = f.cookie;
  s.tcp_fields = f.tcp;
  s.tcp = f.protocol == kProtocolTcp ? reinterpret_cast<u64>(&s.tcp_fields) : 0;
}

class Table {
 public:
  Socket* take(const SocketFacts& f) {
    std::lock_guard lock(mutex_);
    sweep();
    auto& slot = by_cookie_[f.cookie];
    if (!slot) {
      slot = std::make_unique<Socket>();
      slot->looked_up = true;
    }
    fill(*slot, f);
    slot->references++;
    return slot.get();
  }
  void give_back(Socket& s) {
    std::lock_guard lock(mutex_);
    if (--s.references || !s.at_end.empty()) return;
    const auto it = by_cookie_.find(s.cookie);
    if (it == by_cookie_.end() || it->second.get() != &s) return;
    gone_.push_back({std::move(it->second), {}});
    gone_.back().grace.begin();
    by_cookie_.erase(it);
  }
  u32 size() {
    std::lock_guard lock(mutex_);
    return static_cast<u32>(by_cookie_.size());
  }

 private:
  struct Gone {
    std::unique_ptr<Socket> socket;
    Grace grace;
  };
  // Under mutex_. Sockets with storage are asked for only now and then.
  void sweep() {
    std::erase_if(gone_, [](const Gone& g) { return g.grace.over(); });
    if (++calls_ % kSweepEvery || sockets()) return;
    for (auto it = by_cookie_.begin(); it != by_cookie_.end();) {
      Socket& s = *it->second;
      if (s.references || answers(s)) {
        ++it;
        continue;
      }
      gone_.push_back({std::move(it->second), {}});
      gone_.back().grace.begin();
      it = by_cookie_.erase(it);
    }
  }
  static bool answers(const Socket& s) {
    SocketQuery q;
    q.protocol = s.protocol;
    q.family = static_cast<u16>(s.family);
    if (q.family == kFamilyInet) {
      q.local[0] = s.src_ip4;
      q.remote[0] = s.dst_ip4;
    } else {
      std::memcpy(q.local.data(), s.src_ip6, sizeof s.src_ip6);
      std::memcpy(q.remote.data(), s.dst_ip6, sizeof s.dst_ip6);
    }
    q.local_port = static_cast<u16>(s.src_port);
    q.remote_port = __builtin_bswap16(s.dst_port);
    q.device = s.bound_dev_if;
    const auto f = ask_machine(q);
    return f && f->cookie == s.cookie;
  }

  static constexpr u32 kSweepEvery = 1024;
  std::mutex mutex_;
  std::unordered_map<u64, std::unique_ptr<Socket>> by_cookie_;
  std::vector<Gone> gone_;
  u32 calls_ = 0;
};
Table& table() {
  static Table* const t = new Table;  // programs may run while the process ends
  return *t;
}

std::optional<SocketFacts> ask(const SocketQuery& q) {
  if (const auto list = sockets()) {
    const SocketFacts* f = list->find(q);
    return f ? std::optional(*f) : std::nullopt;
  }
  return ask_machine(q);
}

}  // namespace

Socket* find_socket(const SocketQuery& q, bool full) {
  auto f = ask(q);
  if (f && full && f->state == kTcpNewSynRecv) {
    // Nobody is connected from port 0: that leaves the listener.
    SocketQuery listener = q;
    listener.remote_port = 0;
    f = ask(listener);
    if (f && f->state != kTcpListen) f.reset();
  }
  if (!f || (full && f->state == kTcpTimeWait)) return nullptr;
  return table().take(*f);
}

Socket* socket_of_descriptor(int fd, u64 cookie) {
  const auto f = facts_of_descriptor(fd);
  return f && f->cookie == cookie ? table().take(*f) : nullptr;
}

void release_socket(Socket* s) {
  if (s && s->looked_up) table().give_back(*s);
}

bool own_network_namespace(s32 id) {
  struct {
    nlmsghdr header;
    rtgenmsg body;
    u8 pad[3];
    nlattr attribute;
    s32 fd;
  } request{};
  const int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (own < 0) return false;
  request.header = {sizeof request, RTM_GETNSID, NLM_F_REQUEST, 0, 0};
  request.attribute = {NLA_HDRLEN + sizeof request.fd, NETNSA_FD};
  request.fd = own;
  bool same = false;
  if (const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); fd >= 0) {
    u8 answer[512];
    const bool sent = send(fd, &request, sizeof request, 0) == static_cast<ssize_t>(sizeof request);
    const ssize_t n = sent ? recv(fd, answer, sizeof answer, 0) : -1;
    constexpr size_t kValue = sizeof(nlmsghdr) + NLMSG_ALIGN(sizeof(rtgenmsg)) + NLA_HDRLEN;
    nlmsghdr h{};
    if (n >= static_cast<ssize_t>(kValue + 4)) std::memcpy(&h, answer, sizeof h);
    if (h.nlmsg_type == RTM_NEWNSID) same = load_unaligned<s32>(answer + kValue) == id;
    ::close(fd);
  }
  ::close(own);
  return same;
}

u32 live_sockets() {
  return table().size();
}

}  // namespace osmia::host
