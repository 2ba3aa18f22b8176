// Local storage of sockets: a value lives as long as its socket, unless a program takes it away before.
#include <cerrno>
#include <memory>

#include "helpers/code.h"
#include "host/socket.h"
#include "maps/local_storage.h"

namespace osmia::helpers::code {
namespace {

maps::LocalStorageMap& storage(u64 map) {
  return *static_cast<maps::LocalStorageMap*>(reinterpret_cast<maps::Map*>(map));
}
host::Socket* full_socket(u64 sk) {
  auto* s = reinterpret_cast<host::Socket*>(sk);
  return s && s->full() ? s : nullptr;
}

}  // namespace

u64 sk_storage_get(u64 map, u64 sk, u64 value, u64 flags, u64) {
  constexpr u64 kCreate = 1;  // BPF_SK_STORAGE_GET_F_CREATE
  host::Socket* socket = full_socket(sk);
  if (!socket || flags > kCreate) return 0;
  auto& m = storage(map);
  const auto owner = maps::LocalStorageMap::object(socket);
  void* found = m.get(owner, false, nullptr);
  if (found || !flags) return reinterpret_cast<u64>(found);
  void* made = m.get(owner, true, reinterpret_cast<const void*>(value));
  if (made)
    socket->at_end.push_back([weak = m.weak_from_this(), owner] {
      if (const auto held = weak.lock()) static_cast<maps::LocalStorageMap&>(*held).drop(owner);
    });
  return reinterpret_cast<u64>(made);
}

u64 sk_storage_delete(u64 map, u64 sk, u64, u64, u64) {
  host::Socket* socket = full_socket(sk);
  const int err = socket ? storage(map).drop(maps::LocalStorageMap::object(socket)) : -EINVAL;
  return static_cast<u64>(static_cast<s64>(err));
}

}  // namespace osmia::helpers::code
