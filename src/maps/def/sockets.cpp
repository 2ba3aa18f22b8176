// Maps of sockets: sockmap, sockhash, reuseport_sockarray. Elements are real sockets of the process, by
// descriptor; user space reads them back as cookies. The map holds no reference: as on Linux a socket that is
// closed leaves the map, which shows when its descriptor no longer has the cookie that it was stored with.
// Programs get TCP and UDP sockets as host::Socket, with a reference; their traffic stays the kernel's.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <map>
#include <mutex>
#include <string>

#include "base/bits.h"
#include "host/sockets.h"
#include "maps/checks.h"
#include "maps/map_type.h"

namespace osmia::maps {
namespace {

using contract::Capability;
using contract::MapTrait;

constexpr u32 kPlainFlags = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY;

template <class T>
bool option(int fd, int level, int name, T& value) {
  socklen_t n = sizeof value;
  return !getsockopt(fd, level, name, &value, &n);
}

struct Socket {
  int fd = -1;
  u64 cookie = 0;
  bool open() const {
    u64 now = 0;
    return fd >= 0 && option(fd, SOL_SOCKET, SO_COOKIE, now) && now == cookie;
  }
};

// What a value names: a descriptor in 4 or 8 bytes. Errors: EINVAL, EBADF, ENOTSOCK.
Result<Socket> socket_of(const void* value, u32 size) {
  const u64 wide = size == 8 ? load_unaligned<u64>(value) : load_unaligned<u32>(value);
  if (wide > 0x7fffffff) return bad("a descriptor beyond 2^31");
  Socket s;
  s.fd = static_cast<int>(wide);
  struct stat st;
  if (fstat(s.fd, &st)) return Error{EBADF, "not an open descriptor"};
  if (!S_ISSOCK(st.st_mode)) return Error{ENOTSOCK, "not a socket"};
  if (!option(s.fd, SOL_SOCKET, SO_COOKIE, s.cookie)) return Error{EINVAL, "a socket without a cookie"};
  return s;
}

struct Kind {
  int domain = 0, type = 0, protocol = 0;
  bool internet() const { return domain == AF_INET || domain == AF_INET6; }
  bool tcp() const { return internet() && protocol == IPPROTO_TCP; }
  bool udp() const { return internet() && protocol == IPPROTO_UDP; }
};
Kind kind_of(int fd) {
  Kind k;
  option(fd, SOL_SOCKET, SO_DOMAIN, k.domain);
  option(fd, SOL_SOCKET, SO_TYPE, k.type);
  option(fd, SOL_SOCKET, SO_PROTOCOL, k.protocol);
  return k;
}
bool connected(int fd) {
  sockaddr_storage peer;
  socklen_t n = sizeof peer;
  return !getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &n);
}

bool has_port(int fd) {
  sockaddr_in6 own{};
  socklen_t n = sizeof own;
  return !getsockname(fd, reinterpret_cast<sockaddr*>(&own), &n) && own.sin6_port;
}

// TCP must be established or listening, UDP bound, Unix streams connected; Unix datagrams always fit.
bool fit_for_sockmap(int fd) {
  const Kind k = kind_of(fd);
  if (k.tcp()) {
    tcp_info info{};
    return option(fd, IPPROTO_TCP, TCP_INFO, info) &&
           (info.tcpi_state == TCP_ESTABLISHED || info.tcpi_state == TCP_LISTEN);
  }
  if (k.domain == AF_UNIX || k.domain == AF_VSOCK) return k.type == SOCK_DGRAM || connected(fd);
  return k.udp() && has_port(fd);
}

// Elements by key bytes, under one lock; nothing here is on a program's path.
class SocketMap : public Map {
 public:
  using Map::Map;
  s64 update(const void*, const void*, u64) override { return -EOPNOTSUPP; }
  // A host::Socket that host::release_socket() gives back.
  void* lookup(const void* key) override {
    Socket s;
    {
      std::lock_guard lock(mutex_);
      const Socket* found = find(key);
      if (!found) return nullptr;
      s = *found;
    }
    return host::socket_of_descriptor(s.fd, s.cookie);
  }
  int lookup_user(const void* key, void* value, u64) override {
    if (value_size() != 8) return -ENOSPC;
    std::lock_guard lock(mutex_);
    const Socket* s = find(key);
    if (!s) return -ENOENT;
    store_unaligned<u64>(value, s->cookie);
    return 0;
  }

 protected:
  std::string key_of(const void* key) const { return {static_cast<const char*>(key), key_size()}; }
  Socket* find(const void* key) {  // under mutex_
    const auto it = sockets_.find(key_of(key));
    if (it == sockets_.end()) return nullptr;
    if (it->second.open()) return &it->second;
    sockets_.erase(it);
    return nullptr;
  }
  void sweep() {  // under mutex_
    std::erase_if(sockets_, [](const auto& e) { return !e.second.open(); });
  }
  int store(const void* key, const Socket& s, u64 flags, bool limited) {
    std::lock_guard lock(mutex_);
    const bool exists = find(key);
    if (exists && flags == BPF_NOEXIST) return -EEXIST;
    if (!exists && flags == BPF_EXIST) return -ENOENT;
    if (!exists && limited && sockets_.size() >= max_entries()) {
      sweep();
      if (sockets_.size() >= max_entries()) return -E2BIG;
    }
    sockets_[key_of(key)] = s;
    return 0;
  }
  bool drop(const void* key) {
    std::lock_guard lock(mutex_);
    return find(key) && sockets_.erase(key_of(key));
  }
  std::mutex mutex_;
  std::map<std::string, Socket> sockets_;
};

// What sockmap and sockhash share.
class StreamMap : public SocketMap {
 public:
  using SocketMap::SocketMap;
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    auto s = socket_of(value, value_size());
    if (!s.ok()) return -s.error().code;
    if (!fit_for_sockmap(s->fd)) return -EOPNOTSUPP;
    if (flags > BPF_EXIST) return -EINVAL;
    if (!key_fits(key)) return -E2BIG;
    return store(key, *s, flags, keys_are_free());
  }

 private:
  virtual bool key_fits(const void*) const { return true; }
  virtual bool keys_are_free() const { return true; }  // any keys, but so many at most
};

class Sockmap final : public StreamMap {
 public:
  using StreamMap::StreamMap;
  s64 erase(const void* key) override { return drop(key) ? 0 : -EINVAL; }
  int next_key(const void* key, void* next) override { return next_index(*this, key, next); }

 private:
  bool key_fits(const void* key) const override { return load_unaligned<u32>(key) < max_entries(); }
  bool keys_are_free() const override { return false; }
};

class Sockhash final : public StreamMap {
 public:
  using StreamMap::StreamMap;
  s64 erase(const void* key) override { return drop(key) ? 0 : -ENOENT; }
  int next_key(const void* key, void* next) override {
    std::lock_guard lock(mutex_);
    sweep();
    auto it = key ? sockets_.find(key_of(key)) : sockets_.end();
    it = it == sockets_.end() ? sockets_.begin() : std::next(it);
    if (it == sockets_.end()) return -ENOENT;
    std::memcpy(next, it->first.data(), key_size());
    return 0;
  }
};

class ReuseportArray final : public SocketMap {
 public:
  using SocketMap::SocketMap;
  int update_user(const void* key, const void* value, u64 flags, Descriptors&) override {
    if (flags > BPF_EXIST) return -EINVAL;
    if (load_unaligned<u32>(key) >= max_entries()) return -E2BIG;
    if (value_size() == 4 && load_unaligned<s32>(value) < 0) return -EBADF;
    auto s = socket_of(value, value_size());
    if (!s.ok()) return -s.error().code;
    {
      std::lock_guard lock(mutex_);
      const bool exists = find(key);
      if (exists && flags == BPF_NOEXIST) return -EEXIST;
      if (!exists && flags == BPF_EXIST) return -ENOENT;
    }
    const Kind k = kind_of(s->fd);
    if (!(k.tcp() && k.type == SOCK_STREAM) && !(k.udp() && k.type == SOCK_DGRAM)) return -kNotSupp;
    // It must share its port, and be bound (UDP) or listening (TCP).
    int reuse = 0, listening = 0;
    if (!option(s->fd, SOL_SOCKET, SO_REUSEPORT, reuse) || !reuse || !has_port(s->fd) ||
        (k.tcp() && (!option(s->fd, SOL_SOCKET, SO_ACCEPTCONN, listening) || !listening)))
      return -EINVAL;
    std::lock_guard lock(mutex_);
    sweep();
    for (const auto& [where, other] : sockets_)
      if (other.cookie == s->cookie) return -EBUSY;
    sockets_[key_of(key)] = *s;
    return 0;
  }
  s64 erase(const void* key) override {
    if (load_unaligned<u32>(key) >= max_entries()) return -E2BIG;
    return drop(key) ? 0 : -ENOENT;
  }
  int next_key(const void* key, void* next) override { return next_index(*this, key, next); }
};

Status check_sockmap(const MapAttr& a) {
  if (!a.max_entries || a.key_size != 4 || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("sockmap: max_entries > 0, key_size 4, value_size 4 or 8, no flags");
  return Ok{};
}
Status check_sockhash(const MapAttr& a) {
  if (!a.max_entries || !a.key_size || (a.value_size != 4 && a.value_size != 8) ||
      !only_flags(a, kPlainFlags))
    return bad("sockhash: max_entries > 0, key_size > 0, value_size 4 or 8, no flags");
  if (a.key_size > 512) return Error{E2BIG, "sockhash: key_size above 512"};
  if (a.max_entries > 0xffffffffu / 16) return bad("sockhash: max_entries too large");
  return Ok{};
}
Status check_reuseport(const MapAttr& a) {
  if (a.value_size != 4 && a.value_size != 8) return bad("reuseport_sockarray: value_size 4 or 8");
  return check_array(a);
}

template <class M>
Result<MapPtr> create(const MapAttr& a) {
  return MapPtr(std::make_shared<M>(a));
}

const u32 kSockmapHelpers[] = {BPF_FUNC_sk_redirect_map, BPF_FUNC_sock_map_update, BPF_FUNC_msg_redirect_map,
                               BPF_FUNC_sk_select_reuseport, BPF_FUNC_map_lookup_elem};
const u32 kSockhashHelpers[] = {BPF_FUNC_sk_redirect_hash, BPF_FUNC_sock_hash_update,
                                BPF_FUNC_msg_redirect_hash, BPF_FUNC_sk_select_reuseport,
                                BPF_FUNC_map_lookup_elem};
const u32 kReuseportHelpers[] = {BPF_FUNC_sk_select_reuseport};

const MapTypeEntry kTypes[] = {
    {.def = {.type = BPF_MAP_TYPE_SOCKMAP,
             .name = "sockmap",
             .btf_struct = "bpf_stab",
             .traits = MapTrait::kMapValueIsSock,
             .only_helpers = kSockmapHelpers},
     .check = check_sockmap,
     .create = create<Sockmap>,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_SOCKHASH,
             .name = "sockhash",
             .btf_struct = "bpf_shtab",
             .traits = MapTrait::kMapValueIsSock,
             .only_helpers = kSockhashHelpers},
     .check = check_sockhash,
     .create = create<Sockhash>,
     .check_btf = refuse_btf,
     .capability = Capability::kNetAdmin},
    {.def = {.type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
             .name = "reuseport_sockarray",
             .btf_struct = "reuseport_array",
             .only_helpers = kReuseportHelpers},
     .check = check_reuseport,
     .create = create<ReuseportArray>,
     .capability = Capability::kBpf},
};

}  // namespace

std::span<const MapTypeEntry> def_sockets() {
  return kTypes;
}

}  // namespace osmia::maps
