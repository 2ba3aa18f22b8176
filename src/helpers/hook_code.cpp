// Helpers of control groups' hooks: socket options and addresses, done for real on the socket that the run is
// about (and on no other); sysctls, whose new value stays in the run; the hook's result.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bits.h"
#include "helpers/code.h"
#include "helpers/running.h"
#include "host/hook_run.h"

namespace osmia::helpers::code {
namespace {

constexpr s64 kNotSupported = -524;  // ENOTSUPP
constexpr int kMaxPacingRate = 47, kBindToIfindex = 62, kTxRehash = 74, kAutoFlowLabel = 70,
              kWindowClamp = 10, kThinLinear = 16, kNotSentLowat = 25, kSaveSyn = 27;
constexpr int kSocketOptions[] = {SO_REUSEADDR,   SO_SNDBUF,      SO_RCVBUF,   SO_KEEPALIVE,
                                  SO_PRIORITY,    SO_REUSEPORT,   SO_RCVLOWAT, SO_MARK,
                                  kMaxPacingRate, kBindToIfindex, kTxRehash};
constexpr int kTcpOptions[] = {TCP_NODELAY,      TCP_MAXSEG,    TCP_KEEPIDLE, TCP_KEEPINTVL,
                               TCP_KEEPCNT,      TCP_SYNCNT,    kWindowClamp, kThinLinear,
                               TCP_USER_TIMEOUT, kNotSentLowat, kSaveSyn};
constexpr int kIpv6Options[] = {IPV6_TCLASS, kAutoFlowLabel};

template <size_t N>
bool among(const int (&all)[N], int name) {
  return std::find(std::begin(all), std::end(all), name) != std::end(all);
}

struct Option {
  int level, name;
  u8* value;
  socklen_t size;
};

// What Linux lets programs set and get; TCP_BPF_* options have no system call.
s64 allowed(const host::Socket& s, const Option& o, bool get) {
  const bool number = o.size == sizeof(int);
  switch (o.level) {
    case SOL_SOCKET:
      if (o.name == SO_BINDTODEVICE) return get ? -EINVAL : 0;
      return among(kSocketOptions, o.name) && number ? 0 : -EINVAL;
    case IPPROTO_TCP:
      if (s.protocol != IPPROTO_TCP) return -EINVAL;
      if (o.name == TCP_CONGESTION) {
        if (o.size < 2) return -EINVAL;
        const bool cdg =
            !get && o.size >= 3 && !std::strncmp("cdg", reinterpret_cast<char*>(o.value), o.size);
        return cdg ? kNotSupported : 0;
      }
      if (o.name >= 1001 && o.name <= 1008) return number ? -EOPNOTSUPP : -EINVAL;
      return among(kTcpOptions, o.name) && number ? 0 : -EINVAL;
    case IPPROTO_IP: return o.name == IP_TOS && number ? 0 : -EINVAL;
    case IPPROTO_IPV6: return s.family == AF_INET6 && among(kIpv6Options, o.name) && number ? 0 : -EINVAL;
    default: return -EINVAL;
  }
}

const host::HookRun* run_of(u64 sk) {
  const host::HookRun& r = host::t_hook_run;
  return r.fd >= 0 && sk == reinterpret_cast<u64>(r.socket) ? &r : nullptr;
}
s64 last_error() {
  return -errno;
}

s64 set_option(u64 sk, const Option& o) {
  const host::HookRun* r = run_of(sk);
  if (!r) return -EOPNOTSUPP;
  if (const s64 err = allowed(*r->socket, o, false)) return err;
  return setsockopt(r->fd, o.level, o.name, o.value, o.size) ? last_error() : 0;
}
s64 get_option(u64 sk, Option o) {
  const host::HookRun* r = run_of(sk);
  const socklen_t whole = o.size;
  s64 err = r ? allowed(*r->socket, o, true) : -EOPNOTSUPP;
  if (!err && o.level == IPPROTO_TCP && o.name == TCP_CONGESTION) o.value[--o.size] = 0;  // always terminated
  if (!err && getsockopt(r->fd, o.level, o.name, o.value, &o.size)) err = last_error();
  if (err) o.size = 0;
  if (o.size < whole) std::memset(o.value + o.size, 0, whole - o.size);
  return err;
}
Option option(u64 level, u64 name, u64 value, u64 size) {
  return {static_cast<int>(level), static_cast<int>(name), reinterpret_cast<u8*>(value),
          static_cast<socklen_t>(size)};
}
u64 socket_of_address(u64 ctx) {
  constexpr size_t kSocket = 64;  // struct bpf_sock_addr
  return load_unaligned<u64>(reinterpret_cast<const u8*>(ctx) + kSocket);
}

host::Sysctl* sysctl() {
  return host::t_hook_run.sysctl;
}
s64 copy_value(u64 to, u64 size, const std::string& value) {
  auto* p = reinterpret_cast<char*>(to);
  if (!p) return -EINVAL;
  if (!size) return -E2BIG;
  std::memset(p, 0, size);
  if (value.empty()) return -EINVAL;
  std::memcpy(p, value.data(), std::min<size_t>(size, value.size()));
  if (size > value.size()) return static_cast<s64>(value.size());
  p[size - 1] = 0;
  return -E2BIG;
}

}  // namespace

u64 sk_setsockopt(u64 sk, u64 level, u64 name, u64 value, u64 size) {
  return result(set_option(sk, option(level, name, value, size)));
}
u64 sk_getsockopt(u64 sk, u64 level, u64 name, u64 value, u64 size) {
  return result(get_option(sk, option(level, name, value, size)));
}
u64 addr_setsockopt(u64 ctx, u64 level, u64 name, u64 value, u64 size) {
  return result(set_option(socket_of_address(ctx), option(level, name, value, size)));
}
u64 addr_getsockopt(u64 ctx, u64 level, u64 name, u64 value, u64 size) {
  return result(get_option(socket_of_address(ctx), option(level, name, value, size)));
}

// Without a port the kernel chooses one when the socket connects.
u64 addr_bind(u64 ctx, u64 address, u64 size, u64, u64) {
  const host::HookRun* r = run_of(socket_of_address(ctx));
  if (!r) return result(-EOPNOTSUPP);
  const auto* a = reinterpret_cast<const u8*>(address);
  const u32 n = static_cast<u32>(size);
  if (n < 2) return result(-EINVAL);
  const u16 family = load_unaligned<u16>(a);
  constexpr u32 kLeast6 = 24;  // without the scope, as in RFC 2133
  if (family != AF_INET && family != AF_INET6) return result(-EAFNOSUPPORT);
  if (n < (family == AF_INET ? sizeof(sockaddr_in) : kLeast6)) return result(-EINVAL);
  sockaddr_in6 name{};
  std::memcpy(&name, a, std::min<size_t>(n, sizeof name));
  const int on = !load_unaligned<u16>(a + 2);
  setsockopt(r->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : std::min<socklen_t>(n, sizeof name);
  return result(bind(r->fd, reinterpret_cast<const sockaddr*>(&name), length) ? last_error() : 0);
}

u64 get_retval(u64, u64, u64, u64, u64) {
  return host::t_hook_run.retval ? result(*host::t_hook_run.retval) : 0;
}
u64 set_retval(u64 value, u64, u64, u64, u64) {
  if (host::t_hook_run.retval) *host::t_hook_run.retval = static_cast<s32>(value);
  return 0;
}

u64 sysctl_get_name(u64, u64 to, u64 size, u64 flags, u64) {
  constexpr u64 kBaseName = 1;  // BPF_F_SYSCTL_BASE_NAME
  auto* p = reinterpret_cast<char*>(to);
  if (!p || !sysctl()) return result(-EINVAL);
  std::string name = sysctl()->name;
  if (flags & kBaseName) name.erase(0, name.rfind('/') + 1);
  if (!size) return result(-E2BIG);
  const size_t n = std::min<size_t>(size - 1, name.size());
  std::memcpy(p, name.data(), n);
  p[n] = 0;
  return result(n < name.size() ? -E2BIG : static_cast<s64>(n));
}
u64 sysctl_get_current_value(u64, u64 to, u64 size, u64, u64) {
  return result(sysctl() ? copy_value(to, size, sysctl()->current) : -EINVAL);
}
u64 sysctl_get_new_value(u64, u64 to, u64 size, u64, u64) {
  if (sysctl() && sysctl()->writes) return result(copy_value(to, size, sysctl()->next));
  if (to && size) std::memset(reinterpret_cast<void*>(to), 0, size);
  return result(-EINVAL);
}
u64 sysctl_set_new_value(u64, u64 from, u64 size, u64, u64) {
  constexpr u64 kPage = 4096;
  host::Sysctl* s = sysctl();
  if (!s || !s->writes || s->next.empty() || !from || !size) return result(-EINVAL);
  if (size > kPage - 1) return result(-E2BIG);
  s->next.assign(reinterpret_cast<const char*>(from), size);
  s->replaced = true;
  return 0;
}

}  // namespace osmia::helpers::code
