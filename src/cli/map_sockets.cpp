// The other end of a connection and its listener stay open, too.
#include "cli/map_sockets.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "base/types.h"

namespace osmia::cli {
namespace {

union Name {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

Error system_error(const std::string& what) {
  const int code = errno;
  return {code, what + ": " + std::strerror(code)};
}

Result<int> open_bound(int type, bool v6, u16 port, bool share) {
  const int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return system_error("socket");
  const int on = 1;
  if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)) return system_error("SO_REUSEPORT");
  Name n;
  std::memset(&n, 0, sizeof n);
  if (v6) {
    n.v6.sin6_family = AF_INET6;
    n.v6.sin6_addr.s6_addr[15] = 1;
    n.v6.sin6_port = htons(port);
  } else {
    n.v4.sin_family = AF_INET;
    n.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    n.v4.sin_port = htons(port);
  }
  if (bind(fd, &n.any, v6 ? sizeof n.v6 : sizeof n.v4))
    return system_error("bind to port " + std::to_string(port));
  return fd;
}

Result<int> listening(bool v6, u16 port, bool share) {
  OSMIA_ASSIGN(const int fd, open_bound(SOCK_STREAM, v6, port, share));
  if (listen(fd, 1)) return system_error("listen");
  return fd;
}
Result<int> connected(bool v6, u16 port) {
  OSMIA_ASSIGN(const int listener, listening(v6, port, false));
  Name n;
  socklen_t size = sizeof n;
  const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || getsockname(listener, &n.any, &size) || connect(fd, &n.any, size) ||
      accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) < 0)
    return system_error("connect on loopback");
  return fd;
}

}  // namespace

std::optional<Result<int>> socket_for(const std::string& word, bool share) {
  std::string kind = word.substr(0, word.find(':'));
  const bool v6 = kind.ends_with('6');
  if (v6) kind.pop_back();
  if (kind != "tcp" && kind != "listen" && kind != "udp") return std::nullopt;
  u16 port = 0;
  if (const size_t colon = word.find(':'); colon != word.npos) {
    const char* last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data() + colon + 1, last, port);
    if (error != std::errc() || end != last) return Error{EINVAL, "expected a port behind the colon"};
  }
  if (kind == "tcp") return connected(v6, port);
  if (kind == "listen") return listening(v6, port, share);
  return open_bound(SOCK_DGRAM, v6, port, share);
}

}  // namespace osmia::cli
