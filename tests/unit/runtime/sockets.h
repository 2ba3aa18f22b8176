// Sockets on loopback for tests, closed with their scope.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "base/types.h"

namespace osmia::testing_sockets {

struct End {
  bool v6 = false;
  std::array<u8, 16> address{};  // network order; IPv4 in the first four
  u16 port = 0;                  // host order
};
inline End loopback(bool v6) {
  End e{v6, {}, 0};
  if (v6)
    e.address[15] = 1;
  else
    e.address = {127, 0, 0, 1};
  return e;
}

union Name {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};
inline socklen_t name_of(const End& e, Name& n) {
  std::memset(&n, 0, sizeof n);
  n.any.sa_family = e.v6 ? AF_INET6 : AF_INET;
  n.v4.sin_port = htons(e.port);
  std::memcpy(e.v6 ? static_cast<void*>(&n.v6.sin6_addr) : static_cast<void*>(&n.v4.sin_addr),
              e.address.data(), e.v6 ? 16 : 4);
  return e.v6 ? sizeof n.v6 : sizeof n.v4;
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Fd& operator=(Fd&& o) noexcept {
    std::swap(fd_, o.fd_);
    return *this;
  }
  ~Fd() { shut(); }
  void shut() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }
  void set(int level, int name, int value) const { setsockopt(fd_, level, name, &value, sizeof value); }
  bool bind(const End& e) const {
    Name n;
    const socklen_t size = name_of(e, n);
    return !::bind(fd_, &n.any, size);
  }
  bool connect(const End& e) const {
    Name n;
    const socklen_t size = name_of(e, n);
    return !::connect(fd_, &n.any, size);
  }
  Fd accepted() const { return Fd(accept(fd_, nullptr, nullptr)); }
  End own() const {
    Name n;
    socklen_t size = sizeof n;
    getsockname(fd_, &n.any, &size);
    End e;
    e.v6 = n.any.sa_family == AF_INET6;
    std::memcpy(e.address.data(), e.v6 ? static_cast<const void*>(&n.v6.sin6_addr) : &n.v4.sin_addr,
                e.v6 ? 16 : 4);
    e.port = ntohs(n.v4.sin_port);
    return e;
  }

 private:
  int fd_;
};

inline Fd listen_on(const End& e, bool v6only = false) {
  Fd s(socket(e.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
  if (v6only) s.set(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  s.bind(e);
  listen(s.get(), 8);
  return s;
}
inline Fd connect_to(const End& e) {
  Fd s(socket(e.v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
  s.connect(e);
  return s;
}

}  // namespace osmia::testing_sockets
